import { EventEmitter } from 'node:events'
import type { Server } from 'socket.io'
import { describe, expect, it } from 'vitest'
import { readFairly } from '../../../../src/gateway/socket/fair-reading.ts'

const turnEnds = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Connections as far as reading is concerned. */
function setUp() {
  const io = { engine: new EventEmitter() }
  readFairly(io as unknown as Server)
  const connect = (name = 'websocket') => {
    const seen: string[] = []
    const socket = { pause: () => seen.push('pause'), resume: () => seen.push('resume') }
    const engine = Object.assign(new EventEmitter(), {
      readyState: 'open',
      transport: { name, socket },
    })
    io.engine.emit('connection', engine)
    const bring = (packets: number): void => {
      for (let index = 0; index < packets; index += 1) engine.emit('packet', {})
    }
    return { seen, bring, engine }
  }
  return { connect }
}

describe('a websocket that brings many packets in a turn', () => {
  it('is paused once and read again in the next turn, and nobody else is', async () => {
    const { connect } = setUp()
    const [flood, calm] = [connect(), connect()]
    flood.bring(2_000)
    calm.bring(63)
    expect([flood.seen, calm.seen]).toEqual([['pause'], []])
    await turnEnds()
    expect(flood.seen).toEqual(['pause', 'resume'])
    calm.bring(63)
    flood.bring(64)
    expect([flood.seen, calm.seen]).toEqual([['pause', 'resume', 'pause'], []])
    await turnEnds()
    expect(flood.seen.length).toBe(4)
  })

  it('is not read again once it was thrown out', async () => {
    const { connect } = setUp()
    const flood = connect()
    flood.bring(64)
    flood.engine.readyState = 'closed'
    await turnEnds()
    expect(flood.seen).toEqual(['pause'])
  })

  it('is left alone when it polls: its bodies come one by one', async () => {
    const { connect } = setUp()
    const polling = connect('polling')
    polling.bring(1_000)
    await turnEnds()
    expect(polling.seen).toEqual([])
  })
})
