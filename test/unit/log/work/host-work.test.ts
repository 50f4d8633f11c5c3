import { beforeEach, describe, expect, it } from 'vitest'
import { FrameKind } from '../../../../src/ipc/frame-kinds.ts'
import type { TurnRef } from '../../../../src/log/agent-work.ts'
import { HostWork } from '../../../../src/log/remote/host-work.ts'
import { endStream, openStream } from '../../../contract/engine-stream-support.ts'

/** A link that is read when the test says so. */
class Link {
  bufferedBytes = 0
  /** Whether one frame is as much as may wait to be read. */
  isFullAtOnce = false
  readonly #sent: (readonly [kind: number, payload: string])[] = []

  send(kind: number, payload: string): void {
    this.#sent.push([kind, payload])
    if (this.isFullAtOnce) this.bufferedBytes = 2_000_000
  }

  /** What was sent since the last time, shortly. */
  news(): readonly string[] {
    return this.#sent.splice(0).map(([kind, payload]) => shown(kind, payload))
  }
}

function shown(kind: number, payload: string): string {
  const said = JSON.parse(payload)
  if (kind === FrameKind.WORK_AGENTS) return `run ${said.join(' ')}`.trim()
  if (kind === FrameKind.WORK_TURN) return `${said[0]} ${said[1].agentId} ${said[1].messageId}`
  const { messageId, index, offset = '', text = said.chunk } = said
  const act = kind === FrameKind.WORK_CLAIM ? 'claim' : 'chunk'
  return `${act} ${messageId} ${index}/${offset} ${text}`
}

let link: Link
let work: HostWork

/** The writer reads; answers what is sent then. */
function readOn(): readonly string[] {
  link.bufferedBytes = 0
  work.pump()
  return link.news()
}

beforeEach(() => {
  link = new Link()
  work = new HostWork(link)
})

const turn = (agentId: string, place: number): TurnRef => ({
  agentId,
  channelId: 'c',
  serverId: 's',
  messageId: `m${place}`,
  authorId: 'ann',
  place,
})
const settled = (agentId: string, place: number): void =>
  work.answered({ type: 'settle', id: 'x', agentId, upTo: place }, { place })

describe('what a process tells of its agents', () => {
  it('is told as it happens, and again over every new link while it holds', () => {
    work.runAgents(['a', 'b'])
    work.beginTurn(turn('a', 1))
    expect(link.news()).toEqual([])
    work.open()
    expect(link.news()).toEqual(['run a b', 'begin a m1'])
    work.beginTurn(turn('b', 1))
    work.endTurn(turn('a', 1))
    expect(link.news()).toEqual(['begin b m1', 'end a m1'])
    work.suspend()
    work.endTurn(turn('b', 1))
    work.beginTurn(turn('a', 2))
    work.runAgents(['a'])
    expect(link.news()).toEqual([])
    work.open()
    // What was done of those that it runs no more is others' business.
    expect(link.news()).toEqual(['run a', 'begin a m2', 'end a m1'])
  })

  it('is what agents are through with until their cursors are past it', () => {
    for (const place of [1, 2, 3]) work.endTurn(turn('a', place))
    work.endTurn(turn('b', 1))
    settled('a', 2)
    settled('never', 9)
    // What was refused, or dismissed, moved nothing.
    work.answered({ type: 'settle', id: 'x', agentId: 'b', upTo: 5 }, {})
    work.open()
    expect(link.news()).toEqual(['end a m3', 'end b m1'])
    settled('a', 3)
    settled('b', 1)
    work.suspend()
    work.open()
    expect(link.news()).toEqual([])
  })

  it('is nothing of agents that it runs no more, the last of them included', () => {
    work.open()
    work.runAgents(['a'])
    work.beginTurn(turn('a', 1))
    work.runAgents([])
    expect(link.news()).toEqual(['run a', 'begin a m1', 'run'])
    work.suspend()
    work.open()
    expect(link.news()).toEqual([])
  })
})

describe('what there is to tell a new writer', () => {
  const stream = openStream('c', 'n')
  const { id: messageId } = stream.message

  beforeEach(() => {
    link.isFullAtOnce = true
    work.beginTurn(turn('a', 1))
    work.beginTurn(turn('a', 2))
    work.answered(stream, { stream: { messageId, state: 'streaming' } })
    work.endTurn(turn('a', 3))
  })

  it('goes out as the link is read, and all that happens meanwhile behind it', () => {
    let isTold = false
    work.open(() => {
      isTold = true
    })
    expect(link.news()).toEqual(['begin a m1'])
    work.endTurn(turn('a', 1))
    work.endTurn(turn('a', 2))
    work.beginTurn(turn('a', 4))
    work.writeStream({ messageId, index: 0, offset: 0, chunk: 'abc' })
    expect(link.news()).toEqual([])
    const told = [readOn(), readOn(), readOn(), readOn()]
    expect(told.flat()).toEqual([`claim ${messageId} 1/ abc`, 'end a m3', 'end a m1', 'end a m2'])
    expect(isTold).toBe(false)
    expect(readOn()).toEqual(['begin a m4'])
    expect(isTold).toBe(true)
    work.writeStream({ messageId, index: 1, offset: 3, chunk: 'd' })
    expect([readOn(), readOn()]).toEqual([[`chunk ${messageId} 1/3 d`], []])
  })

  it('is told from the beginning where the link is lost before all is told', () => {
    let toldCount = 0
    const told = (): void => {
      toldCount += 1
    }
    work.open(told)
    readOn()
    work.suspend()
    expect(readOn()).toEqual([])
    work.answered(endStream(stream, 'abcd'), {})
    settled('a', 3)
    link.isFullAtOnce = false
    work.open(told)
    expect(link.news()).toEqual(['begin a m1', 'begin a m2'])
    expect(toldCount).toBe(1)
  })
})

describe('the streams of a process', () => {
  const stream = openStream('c', 'n')
  const { id: messageId } = stream.message
  const opened = (): void => work.answered(stream, { stream: { messageId, state: 'streaming' } })
  const write = (index: number, offset: number, chunk: string): void =>
    work.writeStream({ messageId, index, offset, chunk })

  it('are written in order, from when they are open to their end, and nothing with a gap', () => {
    work.open()
    write(0, 0, 'early')
    opened()
    write(0, 0, 'a')
    write(2, 2, 'gap')
    write(1, 1, 'bc')
    opened()
    write(2, 3, 'd')
    expect(link.news()).toEqual([
      `chunk ${messageId} 0/0 a`,
      `chunk ${messageId} 1/1 bc`,
      `chunk ${messageId} 2/3 d`,
    ])
    work.answered(endStream(stream, 'abcd'), {})
    write(3, 4, 'late')
    work.suspend()
    work.open()
    expect(link.news()).toEqual([])
  })

  it('are claimed whole over a new link, and go on from there', () => {
    work.open()
    opened()
    write(0, 0, 'a')
    work.suspend()
    write(1, 1, 'b')
    write(2, 2, 'c')
    work.pump()
    link.news()
    work.open()
    work.pump()
    write(3, 3, 'd')
    expect(link.news()).toEqual([`claim ${messageId} 3/ abc`, `chunk ${messageId} 3/3 d`])
  })

  it('wait here in one piece while the writer does not read', () => {
    work.open()
    opened()
    link.bufferedBytes = 2_000_000
    write(0, 0, 'a')
    write(1, 1, 'b')
    expect(link.news()).toEqual([])
    link.bufferedBytes = 0
    work.pump()
    expect(link.news()).toEqual([`chunk ${messageId} 0/0 ab`])
    work.pump()
    expect(link.news()).toEqual([])
  })

  it('are begun where the log says so, and over where it refuses their end', () => {
    work.answered(stream, { stream: { messageId, state: 'interrupted' }, isDuplicate: true })
    work.open()
    expect(link.news()).toEqual([])
    opened()
    work.refused({ ...stream, type: 'open-stream' })
    work.suspend()
    work.open()
    expect(link.news()).toEqual([`claim ${messageId} 0/ `])
    work.refused(endStream(stream, ''))
    work.suspend()
    work.open()
    expect(link.news()).toEqual([])
  })
})
