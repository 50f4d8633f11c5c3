import { expect } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import type { ChannelError } from '../../src/protocol/errors.ts'
import type { Channel, ChannelDetails, Entry } from '../../src/protocol/model.ts'
import type { Applied, LogEngine } from '../../src/log/engine.ts'
import type { ChannelDraft, Command, MessageDraft, Outcome } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'

export type CommandOf<Type extends Command['type']> = Command & { readonly type: Type }

/** A clock that stands until it is moved. */
export interface TestClock {
  nowMs: number
}

export function channelDraft(draft: Partial<ChannelDraft> = {}): ChannelDraft {
  const base = {
    id: newId(),
    serverId: DEFAULT_SERVER_ID,
    name: 'A channel',
    type: 'GROUP',
  } as const
  return { ...base, metadata: {}, participants: [], ...draft }
}

export function post(
  channelId: string,
  text: string,
  draft: Partial<MessageDraft> = {},
): CommandOf<'post'> {
  const body = { text, source: 'test' }
  const message = { id: newId(), channelId, authorId: 'author', body, ...draft }
  return { type: 'post', id: newId(), message }
}

export function createChannel(draft: Partial<ChannelDraft> = {}): CommandOf<'create-channel'> {
  return { type: 'create-channel', id: newId(), channel: channelDraft(draft) }
}

/** Applies one command that must not be refused. */
export function apply(
  engine: LogEngine,
  command: Command,
): { readonly outcome: Outcome; readonly entries: readonly Entry[] } {
  const applied = only(engine.apply([command]))
  if ('error' in applied) throw applied.error
  return applied
}

/** Applies one command that must be refused, and answers the code. */
export function refusal(engine: LogEngine, command: Command): ChannelError['code'] {
  const applied = only(engine.apply([command]))
  if (!('error' in applied)) throw new Error(`${command.type} was not refused`)
  return applied.error.code
}

/** Makes a channel and answers its id. */
export function channelIn(engine: LogEngine, draft: Partial<ChannelDraft> = {}): string {
  const command = createChannel(draft)
  apply(engine, command)
  return command.channel.id
}

/** Makes this server run the agent, from here on; answers its cursor. */
export function openInbox(engine: LogEngine, agentId: string): number {
  return apply(engine, { type: 'open-inbox', id: newId(), agentId }).outcome.place ?? -1
}

/** What entries carry of a channel. */
export function withoutParticipants(details: ChannelDetails | undefined): Channel {
  if (details === undefined) throw new Error('there is no channel')
  const { participants: _, ...channel } = details
  return channel
}

/** All entries of a channel as they are read now. */
export function entriesOf(engine: LogEngine, channelId: string): readonly Entry[] {
  return engine.entries({ channelId, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 100_000 })
}

/** The texts of a channel's messages, newest first. */
export function textsOf(engine: LogEngine, channelId: string): readonly string[] {
  return engine.messages({ channelId, limit: 100_000 }).messages.map(({ body }) => body.text)
}

function only(applied: readonly Applied[]): Applied {
  expect(applied).toHaveLength(1)
  return applied[0]!
}
