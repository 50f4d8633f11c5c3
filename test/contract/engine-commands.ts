import * as fc from 'fast-check'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import type { ChannelDraft, Command } from '../../src/log/log.ts'

/** Few names, so that random commands meet. */
export const NAMES = {
  channels: ['c1', 'c2', '0190a000-0000-7000-8000-000000000003'],
  servers: [DEFAULT_SERVER_ID, 's1'],
  entities: ['ann', 'bob', 'bot'],
  messages: ['m1', 'm2', 'm3', '0190a000-0000-7000-8000-000000000001'],
} as const

/** One step of a random run. A command gets its id when it is run, so that ids differ. */
export type Step =
  | { readonly do: 'apply'; readonly command: Command }
  /** Applies an earlier command again, as a gateway does after the writer died. */
  | { readonly do: 'repeat'; readonly back: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'clock'; readonly byMs: number }

const channelId = fc.constantFrom(...NAMES.channels)
const visibility = fc.constantFrom('public', 'private')
/** Whom the guard of a command names; most have none. */
const visibleTo = fc.option(fc.constantFrom(...NAMES.entities), { freq: 2, nil: undefined })
const serverId = fc.constantFrom(...NAMES.servers, 'none')
const entityId = fc.constantFrom(...NAMES.entities)
const messageId = fc.constantFrom(...NAMES.messages)
const text = fc.string({ maxLength: 5, unit: 'binary' })
const participant = fc.record({ entityId, isAgent: fc.boolean() })
const participants = fc.array(participant, { maxLength: 3 })
const id = fc.constant('')

const draft: fc.Arbitrary<ChannelDraft> = fc.record(
  {
    id: channelId,
    serverId,
    name: text,
    type: fc.constantFrom('GROUP', 'DM', 'SELF'),
    topic: text,
    visibility,
    ownerId: entityId,
    metadata: fc.dictionary(text, fc.integer(), { maxKeys: 2 }),
    participants,
  },
  { requiredKeys: ['id', 'serverId', 'name', 'type', 'metadata', 'participants'] },
)

const message = fc.record(
  {
    id: messageId,
    channelId,
    authorId: entityId,
    clientMessageId: fc.constantFrom('k1', 'k2'),
    body: fc.record({ text, source: text }),
  },
  { requiredKeys: ['id', 'channelId', 'authorId', 'body'] },
)

const plainPost = fc.record({ type: fc.constant('post' as const), id, message })

const creatingPost = fc
  .tuple(plainPost, draft)
  .map(([command, create]) =>
    Object.assign(command, { create: { ...create, id: command.message.channelId } }),
  )

const post = fc.oneof(plainPost, creatingPost)

const onMessage = fc.oneof(
  fc.record(
    {
      type: fc.constant('edit' as const),
      id,
      messageId,
      channelId,
      changes: fc.record({ text, senderName: text }, { requiredKeys: [] }),
    },
    { requiredKeys: ['type', 'id', 'messageId', 'changes'] },
  ),
  fc.record(
    { type: fc.constant('delete' as const), id, messageId, channelId },
    { requiredKeys: ['type', 'id', 'messageId'] },
  ),
)

const onChannel = fc.oneof(
  fc.record({ type: fc.constantFrom('clear', 'delete-channel'), id, channelId }),
  fc.record({ type: fc.constantFrom('create-channel'), id, channel: draft }),
  fc.record({
    type: fc.constantFrom('get-or-create-dm'),
    id,
    channel: draft.map((channel) => Object.assign(channel, { type: 'DM' as const })),
  }),
  fc.record(
    {
      type: fc.constant('update-channel' as const),
      id,
      channelId,
      name: text,
      visibility,
      participants: fc.array(entityId, { maxLength: 3 }),
    },
    { requiredKeys: ['type', 'id', 'channelId'] },
  ),
  fc.record({
    type: fc.constant('change-participants' as const),
    id,
    channelId,
    add: participants,
    remove: fc.array(entityId, { maxLength: 2 }),
  }),
)

const onServer = fc.oneof(
  fc.record({
    type: fc.constant('create-server' as const),
    id,
    server: fc.record({ id: fc.constant('s1'), name: text, sourceType: text }),
  }),
  fc.record({ type: fc.constant('delete-server' as const), id, serverId }),
  fc.record({
    type: fc.constantFrom('add-server-agent', 'remove-server-agent'),
    id,
    serverId,
    agentId: entityId,
  }),
)

const unguarded: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: post },
  { weight: 3, arbitrary: onMessage },
  { weight: 5, arbitrary: onChannel },
  { weight: 2, arbitrary: onServer },
)

/** Some under a guard, where the command knows one. */
export const commands: fc.Arbitrary<Command> = fc
  .tuple(unguarded, visibleTo)
  .map(([command, entity]) =>
    entity !== undefined && isGuarded(command)
      ? Object.assign(command, { visibleTo: entity })
      : command,
  )

const GUARDED = [
  'post',
  'edit',
  'delete',
  'clear',
  'update-channel',
  'delete-channel',
  'change-participants',
] as const

export type GuardedCommand = Extract<Command, { readonly type: (typeof GUARDED)[number] }>

export function isGuarded(command: Command): command is GuardedCommand {
  return GUARDED.some((type) => type === command.type)
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('apply' as const), command: commands }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), back: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      byMs: fc.integer({ min: -9, max: 30 }),
    }),
  },
)

/** Batches of steps. */
export const runs = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 25,
  size: 'max',
})
