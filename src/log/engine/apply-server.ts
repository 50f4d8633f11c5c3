import { DEFAULT_SERVER_ID } from '../../protocol/limits.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { Entry } from '../../protocol/model.ts'
import type { Command } from '../log.ts'
import { removeChannel } from './channels.ts'
import { quiet, requireChannelByKey, requireServer } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import { ENGINE_LIMITS } from './limits.ts'
import type { ServerRecord } from './records.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>

/** The server that every store has from the beginning. */
export function defaultServer(nowMs: number): ServerRecord {
  return {
    server: {
      id: DEFAULT_SERVER_ID,
      name: 'Default Server',
      sourceType: 'eliza_default',
      createdAt: nowMs,
      updatedAt: nowMs,
    },
    createdBy: '',
    removedBy: null,
    isLive: true,
  }
}

/** Idempotent by the server's id: one that exists is answered as it is. */
export function applyCreateServer(
  { store, nowMs }: ApplyContext,
  { id, server: draft }: CommandOf<'create-server'>,
): Effect {
  const earlier = store.server(draft.id)
  if (earlier !== undefined && earlier.createdBy === id) {
    const server = earlier.isLive ? earlier.server : { ...earlier.server, ...draft }
    return quiet({ server, isDuplicate: true })
  }
  if (earlier?.isLive === true) return quiet({ server: earlier.server })
  const server = { ...structuredClone(draft), createdAt: nowMs, updatedAt: nowMs }
  const removedBy = earlier?.removedBy ?? null
  store.saveServer({ server, createdBy: id, removedBy, isLive: true })
  return quiet({ server })
}

/**
 * Deletes everything in the one transaction, so that nobody sees half of it.
 *
 * @throws SERVER_PROTECTED, SERVER_NOT_FOUND; SERVER_TOO_LARGE past `maxChannelsDeleted` channels.
 */
export function applyDeleteServer(
  context: ApplyContext,
  command: CommandOf<'delete-server'>,
): Effect {
  const { store } = context
  if (command.serverId === DEFAULT_SERVER_ID) throw new ChannelError('SERVER_PROTECTED')
  const record = store.server(command.serverId)
  if (record?.removedBy === command.id) return quiet({ isDuplicate: true })
  if (record?.isLive !== true) throw new ChannelError('SERVER_NOT_FOUND')
  const { maxChannelsDeleted } = ENGINE_LIMITS
  const keys = store.liveChannelKeys(command.serverId, maxChannelsDeleted + 1)
  if (keys.length > maxChannelsDeleted) throw new ChannelError('SERVER_TOO_LARGE')
  // One by one: what all of them say at once may be more than fits in memory.
  const entries = keys.map((key): Entry => {
    const channel = requireChannelByKey(context, key)
    // No client can choose an id with a slash, so this one is free.
    const { seq, at } = removeChannel(context, channel, `${command.id}/${channel.key}`)
    return { kind: 'removed', channelId: channel.id, seq, at }
  })
  store.removeServerAgents(command.serverId)
  const { id, createdAt, updatedAt } = record.server
  store.saveServer({
    server: { id, name: '', sourceType: '', createdAt, updatedAt },
    createdBy: record.createdBy,
    removedBy: command.id,
    isLive: false,
  })
  return { outcome: {}, entries }
}

/** @throws SERVER_NOT_FOUND. */
export function applyServerAgent(
  context: ApplyContext,
  command: CommandOf<'add-server-agent' | 'remove-server-agent'>,
): Effect {
  requireServer(context, command.serverId)
  if (command.type === 'add-server-agent') {
    context.store.addServerAgent(command.serverId, command.agentId)
  } else {
    context.store.removeServerAgent(command.serverId, command.agentId)
  }
  return quiet({})
}
