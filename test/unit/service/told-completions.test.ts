import { beforeEach, expect, it } from 'vitest'
import { ToldCompletions } from '../../../src/service/told-completions.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'

const MAX_REMEMBERED = 256

let completions: ToldCompletions
let told: string[]

beforeEach(() => {
  completions = new ToldCompletions('c')
  told = []
})

const complete = (messageId?: string): Ephemeral => ({
  kind: 'complete',
  channelId: 'c',
  serverId: 's',
  ...(messageId !== undefined && { messageId }),
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

function say(id: string, { hasAgents = true } = {}): void {
  const base = { channelId: 'c', seq: 1, createdAt: 1, updatedAt: 1, serverId: 's' }
  const message = { ...base, id, authorId: 'ann', body: { text: '', source: '' } }
  const entry: Entry = { kind: 'posted', channelId: 'c', seq: 1, at: 1, message, hasAgents }
  completions.takeEntries([entry, { ...entry, message: null }, { ...entry, kind: 'cleared' }])
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
  say('told')
  back(['told'])
  expect(told).toHaveLength(3)
})

it('as much is remembered as may be, the newest of it', () => {
  for (let count = 0; count <= MAX_REMEMBERED; count += 1) say(`m${count}`)
  back(Array.from({ length: MAX_REMEMBERED + 1 }, (_, count) => `m${count}`))
  expect([told.length, told[0]]).toEqual([MAX_REMEMBERED, 'm1'])
  for (const id of ['m256', 'm1', 'm0', 'm1']) take(complete(id))
  expect(told.slice(MAX_REMEMBERED)).toEqual(['m0', 'm1'])
})
