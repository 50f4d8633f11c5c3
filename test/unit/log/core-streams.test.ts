import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LogCore } from '../../../src/log/core.ts'
import type { Applied } from '../../../src/log/engine.ts'
import type { Command } from '../../../src/log/log.ts'
import { createMemoryEngine } from '../../../src/log/memory/memory-engine.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'
import {
  BOT,
  checkpoint,
  endStream,
  openStream,
  OWNER,
} from '../../contract/engine-stream-support.ts'
import type { OpenStream } from '../../contract/engine-stream-support.ts'
import { apply, channelIn, post } from '../../contract/engine-support.ts'

const engine = createMemoryEngine()
let channelId: string
let core: LogCore
let seen: string[]

/** What followers got, in order: chunks as `offset+text`, messages as `[text]`, with how a stream ended. */
const show = (entry: Entry): string => {
  if (entry.kind !== 'posted' || entry.message === null) return entry.kind
  const { text, stream } = entry.message.body
  return `[${text}]${stream?.state ?? ''}`
}
const consumer = {
  onEntries: (_: string, entries: readonly Entry[]): void => {
    seen.push(...entries.map((entry) => show(entry)))
  },
  onEphemeral: (frame: Ephemeral): void => {
    if (frame.kind === 'chunk') seen.push(`${frame.offset}+${frame.chunk}`)
    if (frame.kind === 'loss') seen.push(`lost ${frame.messageId}`)
  },
}
const submit = (command: Command): Promise<Applied> =>
  new Promise((resolve) => {
    core.submit(command, 1, resolve)
  })
const begin = async (): Promise<OpenStream> => {
  const stream = openStream(channelId, 'name')
  await submit(stream)
  return stream
}
const write = ({ message: { id: messageId } }: OpenStream, offset: number, chunk: string): void =>
  core.streams.write(OWNER, { messageId, index: offset, offset, chunk })

beforeEach(() => {
  channelId = channelIn(engine)
  core = new LogCore({ engine, onFailure: vi.fn() })
  core.attach(consumer).follow(channelId)
  seen = []
})
afterEach(() => {
  core.close()
})

it('delivers the text of a stream in order with what is committed, and together what waited', async () => {
  const stream = await begin()
  write(stream, 0, 'a')
  const before = submit(post(channelId, 'before'))
  write(stream, 1, 'b')
  write(stream, 2, 'c')
  const between = submit(post(channelId, 'between'))
  write(stream, 3, 'd')
  await Promise.all([before, between])
  write(stream, 4, 'e')
  const end = submit(endStream(stream, 'abcde!'))
  write(stream, 5, 'late')
  await end
  write(stream, 9, 'later')
  expect(seen).toEqual(['0+a', '[before]', '1+bcd', '[between]', '4+e', '[abcde!]'])
})

it('delivers nothing behind the message that a stream becomes, nor what goes along with it', async () => {
  const stream = await begin()
  const said = submit(post(channelId, 'said'))
  write(stream, 0, 'waits')
  const end = submit(endStream(stream, 'waits', { state: 'cancelled' }))
  await Promise.all([said, end])
  expect(seen).toEqual(['[said]', '[waits]cancelled'])
})

it('ends a stream that another process left open ahead of the one that takes its name, with all of its text', async () => {
  const stream = await begin()
  write(stream, 0, 'all of it')
  const applied = await submit(openStream(channelId, 'name', { owner: 'stranger' }))
  expect(applied).toMatchObject({
    outcome: { isDuplicate: true, message: { body: { text: 'all of it' } } },
  })
  expect(seen).toEqual(['0+all of it', '[all of it]interrupted'])
  expect(engine.activeStreams().filter((one) => one.channelId === channelId)).toEqual([])
})

it('ends what a process left of an answer ahead of what another says behind it, being through with the question', async () => {
  const stream = openStream(channelId, 'name', { answers: 'q' })
  await submit(stream)
  write(stream, 0, 'half')
  const turn = { agentId: BOT, channelId, serverId: 's', messageId: 'q', authorId: 'a', place: 1 }
  core.endTurn(OWNER, turn)
  core.endTurn('next', { ...turn, messageId: 'another' })
  core.endTurn('next', { ...turn, agentId: 'another' })
  await submit(post(channelId, 'between'))
  expect(seen).toEqual(['0+half', '[between]'])
  core.endTurn('next', turn)
  core.endTurn('next', turn)
  await submit(post(channelId, 'behind'))
  expect(seen.slice(2)).toEqual(['[half]interrupted', '[behind]'])
})

/** Another writer takes over, and something happens within these milliseconds. */
async function nextWriter(ms: number, happens: () => void): Promise<void> {
  core.close()
  vi.useFakeTimers()
  try {
    core = new LogCore({ engine, onFailure: vi.fn() })
    core.attach(consumer).follow(channelId)
    core.start()
    happens()
    await vi.advanceTimersByTimeAsync(ms)
  } finally {
    vi.useRealTimers()
  }
}

it('ends what an earlier writer left and nobody claims', async () => {
  const stream = await begin()
  apply(engine, checkpoint({ [stream.message.id]: 'checkpoint' }))
  await nextWriter(6_000, () => {
    expect(core.streams.of(channelId)).toMatchObject([{ text: 'checkpoint' }])
  })
  expect([seen, core.streams.of(channelId)]).toEqual([['[checkpoint]interrupted'], []])
})

it('tells of a stream that it is lost where an earlier writer died with all of its text', async () => {
  const stream = await begin()
  await nextWriter(6_000, () => undefined)
  expect(seen).toEqual([`lost ${stream.message.id}`])
  const other = await begin()
  seen = []
  await nextWriter(0, () => {
    void submit(openStream(channelId, 'name', { owner: 'stranger' }))
  })
  expect(seen).toEqual([`lost ${other.message.id}`])
  expect(engine.activeStreams().map(({ owner }) => owner)).toContain('stranger')
})
