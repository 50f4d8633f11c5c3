import { beforeEach, expect, it } from 'vitest'
import { ToldCompletions } from '../../../src/service/told-completions.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'

const MAX_REMEMBERED = 256

let completions: ToldCompletions
let told: string[]
let newest: number

beforeEach(() => {
  completions = new ToldCompletions('c')
  told = []
  newest = 0
})

const complete = (messageId?: string, messageSeq?: number): Ephemeral => ({
  kind: 'complete',
  channelId: 'c',
  serverId: 's',
  ...(messageId !== undefined && { messageId }),
  ...(messageSeq !== undefined && { messageSeq }),
})

/** Takes a frame, and keeps of which messages followers are told that they are complete. */
function take(frame: Ephemeral): readonly Ephemeral[] {
  const frames = completions.take(frame)
  for (const one of frames) if (one.kind === 'complete') told.push(one.messageId ?? '')
  return frames
}

const back = (completed?: readonly string[]): readonly Ephemeral[] =>
  take({
    kind: 'activity',
    channelId: 'c',
    streams: [],
    turns: [],
    ...(completed && { completed }),
  })

/** Answers the number that it has. */
function say(id: string, { hasAgents = true, seq = newest + 1 } = {}): number {
  newest = Math.max(newest, seq)
  const base = { channelId: 'c', seq, createdAt: 1, updatedAt: 1, serverId: 's' }
  const message = { ...base, id, authorId: 'ann', body: { text: '', source: '' } }
  const entry: Entry = { kind: 'posted', channelId: 'c', seq, at: 1, message, hasAgents }
  completions.takeEntries([entry, { ...entry, message: null }, { ...entry, kind: 'cleared' }])
  return seq
}

it('a message is complete once, a channel as often as somebody says so', () => {
  for (const id of ['m', 'm', 'n', undefined, undefined, 'm']) take(complete(id))
  expect(told).toEqual(['m', 'n', '', ''])
})

it('what else comes is passed on', () => {
  const typing = {
    kind: 'typing',
    channelId: 'c',
    entityId: 'a',
    isTyping: true,
    ttlMs: 1,
  } as const
  expect(take(typing)).toEqual([typing])
  expect(back()).toMatchObject([{ kind: 'activity' }])
})

it('what was complete while there was no link is made up for, behind what agents do', () => {
  for (const id of ['told', 'lost', 'waiting']) say(id)
  say('unawaited', { hasAgents: false })
  take(complete('told'))
  // A process that only begins to follow has missed nothing.
  expect(back()).toHaveLength(1)
  expect(back(['told', 'lost', 'unawaited', 'unknown'])).toEqual([
    expect.objectContaining({ kind: 'activity' }),
    complete('lost'),
  ])
  for (const id of ['lost', 'waiting', 'waiting']) take(complete(id))
  expect(told).toEqual(['told', 'lost', 'waiting'])
  // Brought again, as what is read to fill a gap may be.
  say('told', { seq: 1 })
  back(['told'])
  expect(told).toHaveLength(3)
})

it('what a new writer tells again of messages that came here is known, however many they are', () => {
  const first = 1_000
  newest = first
  const ids = Array.from({ length: 10 * MAX_REMEMBERED }, (_, count) => `m${count}`)
  const frames = ids.map((id) => complete(id, say(id)))
  for (const frame of frames.slice(2)) take(frame)
  expect(told).toEqual(ids.slice(2))
  // Of one told by somebody who does not say the number, too.
  take(complete('m0'))
  told = []
  const before = ['a', 'b'].map((id, seq) => complete(id, first - seq))
  for (const frame of [...before, ...frames, ...before, ...frames]) take(frame)
  // What nobody was told is, also where it came before anybody followed.
  expect(told).toEqual(['a', 'b', 'm1'])
})

it('what is not known by its number is told in any case', () => {
  const missed = complete('missed', say('missed'))
  // More than is looked at; then some of which nothing came; then after nobody had followed.
  for (let seq = 0; seq < 32_768; seq += 1) say('other', { hasAgents: false })
  take(missed)
  const unheard = complete('unheard', newest + 1)
  newest += 3
  const heard = complete('heard', say('heard'))
  for (const frame of [unheard, heard, heard, complete('ahead', newest + 1)]) take(frame)
  const left = complete('left', say('left'))
  completions.rest()
  say('later')
  for (const frame of [left, left]) take(frame)
  expect(told).toEqual(['missed', 'unheard', 'heard', 'ahead', 'left'])
})

it('as much is remembered as may be, the newest of it', () => {
  for (let count = 0; count <= MAX_REMEMBERED; count += 1) say(`m${count}`)
  back(Array.from({ length: MAX_REMEMBERED + 1 }, (_, count) => `m${count}`))
  expect([told.length, told[0]]).toEqual([MAX_REMEMBERED, 'm1'])
  for (const id of ['m256', 'm1', 'm0', 'm1']) take(complete(id))
  expect(told.slice(MAX_REMEMBERED)).toEqual(['m0', 'm1'])
})
