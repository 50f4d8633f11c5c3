import { beforeEach, describe, expect, it } from 'vitest'
import type { TurnRef } from '../../../../src/log/agent-work.ts'
import type { AwaitedMessage } from '../../../../src/log/engine.ts'
import { WaitingMessages } from '../../../../src/log/work/waiting-messages.ts'
import type { Message } from '../../../../src/protocol/model.ts'

const WHERE = { channelId: 'c', serverId: 's' } as const

/** What is stored: whom messages wait for by their places, and the cursors. */
interface Stored {
  readonly cursors: Map<string, number>
  readonly awaitedBy: Map<number, readonly string[]>
  readonly awaited: AwaitedMessage[]
}

let stored: Stored
let completed: string[]
let away: Set<string>

beforeEach(() => {
  stored = { cursors: new Map(), awaitedBy: new Map(), awaited: [] }
  completed = []
  away = new Set()
})

/** As a process that begins. */
function begin(): WaitingMessages {
  return new WaitingMessages({
    engine: {
      cursors: () => stored.cursors,
      awaitedBy: (place) => stored.awaitedBy.get(place),
      awaited: () => stored.awaited,
      awayAgents: away,
      message: (id) => (stored.awaitedBy.size > 0 ? message(id) : undefined),
    },
    publish: ({ channelId, serverId, messageId }) => {
      expect({ channelId, serverId }).toEqual(WHERE)
      completed.push(messageId ?? '')
    },
  })
}

const message = (id: string): Message => ({
  ...WHERE,
  id,
  seq: 1,
  authorId: 'ann',
  body: { text: '', source: '' },
  createdAt: 1,
  updatedAt: 1,
})
const turn = (agentId: string, messageId: string, place: number): TurnRef => ({
  ...WHERE,
  agentId,
  messageId,
  authorId: 'ann',
  place,
})

describe('a message', () => {
  it('is complete when the last of its agents is through, once, however often they say so', () => {
    const waiting = begin()
    waiting.add(message('m'), { agents: ['a', 'b'], place: 1 })
    waiting.through(turn('a', 'm', 1))
    waiting.through(turn('a', 'm', 1))
    waiting.through(turn('stranger', 'm', 1))
    expect([completed, waiting.completedIn('c')]).toEqual([[], []])
    waiting.through(turn('b', 'm', 1))
    expect([completed, waiting.completedIn('c')]).toEqual([['m'], ['m']])
    for (const agentId of ['a', 'b']) waiting.through(turn(agentId, 'm', 1))
    waiting.settled('a', 1)
    waiting.waitNoMore('b')
    expect(completed).toEqual(['m'])
  })

  it('waits no more for agents whose cursors are past it, said or not, in whatever order', () => {
    const waiting = begin()
    waiting.add(message('second'), { agents: ['a'], place: 8 })
    waiting.add(message('third'), { agents: ['a', 'b'], place: 9 })
    // Looked up, and so behind them in memory.
    stored.awaitedBy.set(3, ['a', 'b'])
    waiting.through(turn('b', 'first', 3))
    waiting.settled('a', 7)
    expect(completed).toEqual(['first'])
    waiting.settled('a', 9)
    expect(completed).toEqual(['first', 'second'])
    waiting.through(turn('b', 'third', 9))
    expect(completed).toEqual(['first', 'second', 'third'])
  })

  it('waits no more for an agent that nobody runs, and not for it again', () => {
    const waiting = begin()
    waiting.add(message('one'), { agents: ['a'], place: 1 })
    waiting.add(message('two'), { agents: ['a', 'b'], place: 2 })
    waiting.waitNoMore('a')
    waiting.waitNoMore('never')
    expect(completed).toEqual(['one'])
    // It comes back, and deals with what it missed.
    for (const [id, place] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      waiting.through(turn('a', id, place))
    }
    waiting.forget('b')
    expect(completed).toEqual(['one', 'two'])
  })

  it('that waited for nobody as it was posted is complete from the beginning, whoever deals with it', () => {
    const waiting = begin()
    waiting.through(turn('a', 'm', 5))
    waiting.through(turn('b', 'm', 5))
    waiting.settled('a', 5)
    expect(completed).toEqual([])
  })

  it('that was set aside is complete, however often it is tried again', () => {
    stored.cursors.set('a', 6)
    stored.awaitedBy.set(5, [])
    const waiting = begin()
    waiting.through({ ...turn('a', 'm', 5), isRetry: true })
    expect(completed).toEqual([])
  })
})

describe('a message of which nothing is remembered', () => {
  it('waits for those whom the log names, are not away, and have not said that they are through', () => {
    away.add('gone')
    stored.awaitedBy.set(4, ['a', 'b', 'gone'])
    const waiting = begin()
    waiting.through(turn('a', 'm', 4))
    expect(completed).toEqual([])
    waiting.through(turn('b', 'm', 4))
    expect(completed).toEqual(['m'])
  })

  it('is complete where its only agent has said so and died before it could tell, cursor and all', () => {
    stored.cursors.set('a', 4)
    stored.awaitedBy.set(4, [])
    const waiting = begin()
    waiting.through(turn('a', 'm', 4))
    waiting.through(turn('a', 'm', 4))
    expect(completed).toEqual(['m'])
  })

  it('waits for whom it waited when the process before this one ended', () => {
    stored.awaited.push(
      { ...WHERE, messageId: 'm', place: 4, seq: 1, agents: ['a', 'b'] },
      { ...WHERE, messageId: 'n', place: 5, seq: 2, agents: ['b'] },
      { ...WHERE, messageId: 'over', place: 6, seq: 3, agents: [] },
    )
    const waiting = begin()
    // Whoever was told of it or not, hears it over a new link; not in a frame of its own.
    waiting.through(turn('a', 'over', 6))
    expect([waiting.completedIn('c'), waiting.completedIn('another')]).toEqual([['over'], []])
    waiting.settled('a', 5)
    waiting.waitNoMore('b')
    expect(completed).toEqual(['m', 'n'])
  })

  it('since there were too many, does as if it were remembered', () => {
    stored.cursors.set('a', 0)
    const waiting = begin()
    waiting.add(message('first'), { agents: ['a', 'b'], place: 1 })
    waiting.through(turn('a', 'first', 1))
    for (let place = 2; place <= 100_001; place += 1) {
      waiting.add(message(`m${place}`), { agents: ['b'], place })
    }
    // By its cursor the first agent has not come to it, but it has said so.
    stored.awaitedBy.set(1, ['a', 'b'])
    waiting.through(turn('b', 'first', 1))
    expect(completed).toEqual(['first'])
  })
})

describe('completed messages', () => {
  it('are remembered as many as may be, of all channels and for one of them', () => {
    const waiting = begin()
    for (let place = 1; place <= 20_000; place += 1) {
      waiting.add(message(`m${place}`), { agents: ['a'], place })
    }
    waiting.settled('a', 20_000)
    expect(waiting.completedIn('c')).toHaveLength(256)
    expect(waiting.completedIn('c').at(-1)).toBe('m20000')
    stored.awaitedBy.set(1, [])
    waiting.through(turn('b', 'm1', 1))
    expect(completed).toHaveLength(20_000)
    waiting.add(message('one more'), { agents: ['a'], place: 20_001 })
    waiting.waitNoMore('a')
    waiting.through(turn('b', 'm1', 1))
    expect(completed.slice(20_000)).toEqual(['one more', 'm1'])
  })
})

describe('an agent', () => {
  it('is asked for what it is through with, by its word or its cursor, until it is forgotten', () => {
    stored.cursors.set('a', 3)
    const waiting = begin()
    waiting.through(turn('a', 'm', 5))
    const open = [3, 4, 5].map((place) => waiting.waitsFor(['a'], place))
    expect(open).toEqual([false, true, false])
    expect(waiting.waitsFor(['a', 'b'], 5)).toBe(true)
    waiting.settled('a', 4)
    expect([4, 5, 6].map((place) => waiting.waitsFor(['a'], place))).toEqual([false, false, true])
    waiting.forget('a')
    expect(waiting.waitsFor(['a'], 3)).toBe(true)
    // Whoever ran it says so late: what nothing would forget is not kept.
    waiting.through(turn('a', 'late', 7))
    expect(waiting.waitsFor(['a'], 7)).toBe(true)
  })
})
