import type { AwaitedMessage, ChannelAgent } from '../engine.ts'
import type { AwaitedRow } from './inbox-store.ts'
import { ENGINE_LIMITS } from './limits.ts'
import type { ChannelRecord } from './records.ts'
import type { WriteStore } from './store.ts'
import { agentsOf } from './views.ts'

/** See `LogEngine`. */
export function awaitedBy(store: WriteStore, place: number): readonly string[] | undefined {
  const row = store.inbox.entryAt(place)
  if (row?.isAwaited !== true) return undefined
  const { agents } = channelOf(store, row.channelKey)
  return pendingOf(agents, { ...row, place }, (agentId) => {
    const cursor = store.inbox.cursor(agentId)
    return cursor && Math.max(cursor.place, store.inbox.passedUpTo(agentId))
  })
}

/**
 * See `LogEngine`: what a writer that begins has to know of its predecessor's time. Channels and cursors are read once,
 * so that it takes some 20 ms where all of the messages waited (measured).
 */
export function awaitedMessages(store: WriteStore): readonly AwaitedMessage[] {
  const newest = store.inbox.newestPlace()
  const passed = new Map(store.inbox.cursors())
  for (const [agentId, upTo] of store.inbox.passedOver()) {
    passed.set(agentId, Math.max(upTo, passed.get(agentId) ?? 0))
  }
  const channels = new Map<number, WithAgents>()
  return store.inbox.awaited(newest - ENGINE_LIMITS.inboxPlaces).map((row) => {
    const { channelKey, place, seq, id: messageId } = row
    const known = channels.get(channelKey) ?? channelOf(store, channelKey)
    channels.set(channelKey, known)
    const { id: channelId, serverId } = known.channel
    const agents = pendingOf(known.agents, row, (agentId) => passed.get(agentId))
    return { messageId, channelId, serverId, place, seq, agents }
  })
}

interface WithAgents {
  readonly channel: ChannelRecord
  readonly agents: readonly ChannelAgent[]
}

function channelOf(store: WriteStore, channelKey: number): WithAgents {
  const channel = store.channelByKey(channelKey)
  if (channel === undefined) throw new Error(`channel key ${channelKey} is unknown`)
  return { channel, agents: agentsOf(store, channel) }
}

/** Of a channel's agents those that a posting waits for. */
function pendingOf(
  agents: readonly ChannelAgent[],
  { authorId, place }: Pick<AwaitedRow, 'authorId' | 'place'>,
  passedOf: (agentId: string) => number | undefined,
): readonly string[] {
  return agents.flatMap(({ agentId, joinedPlace }) => {
    if (agentId === authorId || joinedPlace >= place) return []
    return (passedOf(agentId) ?? place) < place ? [agentId] : []
  })
}
