import { beforeEach, describe, expect, it } from 'vitest'
import type { Cancellation, TurnRef } from '../../../../src/log/agent-work.ts'
import { ShownTurns } from '../../../../src/log/work/shown-turns.ts'

let nowMs: number
let seen: string[]
let cancelled: Cancellation[]
let turns: ShownTurns

beforeEach(() => {
  nowMs = 1_000
  seen = []
  cancelled = []
  turns = new ShownTurns({
    publish: (frame) => {
      if (frame.kind !== 'turn') throw new Error(`${frame.kind} is no turn`)
      const { channelId, agentId, messageId, state, streamMessageId = '' } = frame
      seen.push(`${channelId} ${agentId} ${messageId} ${state} ${streamMessageId}`.trim())
    },
    onCancelled: (one) => cancelled.push(one),
    now: () => nowMs,
  })
})

const turn = (agentId: string, messageId: string, channelId = 'c'): TurnRef => ({
  agentId,
  channelId,
  messageId,
  serverId: 's',
  authorId: 'ann',
  place: 1,
})

/** What was shown since the last time. */
const news = (): string[] => seen.splice(0)

describe('a turn', () => {
  it('is shown from its beginning over its stream to its end, each once', () => {
    turns.begin('host', turn('a', 'm'))
    turns.begin('host', turn('a', 'm'))
    expect(turns.of('c')).toEqual([{ agentId: 'a', messageId: 'm', state: 'thinking' }])
    turns.streaming('c', 'a', 'stream')
    turns.streaming('c', 'a', 'stream')
    // Said again over a new link: it has come further than that.
    turns.begin('host', turn('a', 'm'))
    const streaming = { state: 'streaming', streamMessageId: 'stream' }
    expect(turns.of('c')).toEqual([{ agentId: 'a', messageId: 'm', ...streaming }])
    turns.end(turn('a', 'm'))
    turns.end(turn('a', 'm'))
    expect(news()).toEqual(['c a m thinking', 'c a m streaming stream', 'c a m idle'])
    expect([turns.of('c'), turns.of('never')]).toEqual([[], []])
  })

  it('is one at most for an agent and channel, and others are not touched by it', () => {
    turns.begin('host', turn('a', 'm'))
    turns.begin('host', turn('a', 'elsewhere', 'd'))
    turns.begin('host', turn('b', 'm'))
    turns.begin('host', turn('a', 'n'))
    turns.end(turn('a', 'm'))
    expect(turns.of('c').map(({ agentId, messageId }) => `${agentId} ${messageId}`)).toEqual([
      'b m',
      'a n',
    ])
    expect(turns.of('d')).toHaveLength(1)
    expect(news().slice(3)).toEqual(['c a m idle', 'c a n thinking'])
    turns.end(turn('a', 'n'))
    turns.streaming('c', 'a', 'outside of a turn')
    expect(news()).toEqual(['c a n idle'])
  })

  it('is another process’s when that begins it, from its beginning', () => {
    turns.begin('host', turn('a', 'm'))
    turns.streaming('c', 'a', 'stream')
    turns.begin('next', turn('a', 'm'))
    turns.keep('host', new Set())
    expect(news().slice(2)).toEqual(['c a m thinking'])
    turns.keep('next', new Set())
    expect(news()).toEqual(['c a m idle'])
  })

  it('is over where its process runs its agent no more', () => {
    turns.begin('host', turn('a', 'm'))
    turns.begin('host', turn('b', 'm'))
    turns.begin('other', turn('d', 'm'))
    news()
    turns.keep('host', new Set(['b']))
    expect(news()).toEqual(['c a m idle'])
  })
})

describe('the turns of a process without a link', () => {
  it('are over after two seconds, unless it is back by then', () => {
    for (const owner of ['back', 'gone', 'other']) turns.begin(owner, turn(owner, 'm'))
    news()
    turns.ownerGone('back')
    turns.ownerGone('gone')
    nowMs += 1_999
    turns.look()
    turns.ownerBack('back')
    expect(news()).toEqual([])
    nowMs += 1
    turns.look()
    turns.look()
    expect(news()).toEqual(['c gone m idle'])
    nowMs += 60_000
    turns.look()
    expect(turns.of('c').map(({ agentId }) => agentId)).toEqual(['back', 'other'])
  })
})

describe('a turn that somebody wants to end', () => {
  it('is told to whoever is on it, of that message alone, and again when it is said to be begun', () => {
    const wish = { channelId: 'c', messageId: 'm' }
    expect(turns.cancel(wish)).toBeUndefined()
    turns.begin('host', turn('a', 'm'))
    turns.begin('host', turn('b', 'n'))
    expect(turns.cancel({ ...wish, channelId: 'd' })).toBeUndefined()
    expect(turns.cancel(wish)).toBe('thinking')
    expect(cancelled).toEqual([wish])
    turns.begin('host', turn('a', 'm'))
    turns.begin('next', turn('a', 'm'))
    turns.begin('next', turn('a', 'm'))
    turns.begin('host', turn('b', 'n'))
    expect(cancelled).toEqual([wish, wish, wish, wish])
    turns.end(turn('a', 'm'))
    turns.begin('next', turn('a', 'm'))
    expect(cancelled).toHaveLength(4)
  })

  it('is answered with what it is at: the furthest of all that are on the message', () => {
    turns.begin('host', turn('a', 'm'))
    turns.begin('host', turn('b', 'm'))
    turns.streaming('c', 'a', 'stream')
    expect(turns.cancel({ channelId: 'c', messageId: 'm' })).toBe('streaming')
  })
})
