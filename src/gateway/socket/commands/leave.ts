import { leaveSchema } from '../../../protocol/schemas.ts'
import { EVENTS, TEXTS } from '../../../protocol/wire.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { leftPayload } from '../encode.ts'
import type { Membership } from '../membership.ts'
import { channelOf, parse } from './payload.ts'

/**
 * Ends a membership: no entry, no typing, no presence after it. All of that has ended when this returns its
 * promise; a membership that has ended already stays as it is.
 */
export async function endMembership(
  edge: Edge,
  connection: Connection,
  membership: Membership,
): Promise<void> {
  const { channelId, entityId } = membership
  if (connection.memberships.get(channelId) !== membership) return
  connection.memberships.delete(channelId)
  connection.typing.delete(channelId)
  edge.live.leave(channelId, membership)
  connection.outbox.dropChunks(channelId)
  if (membership.isListed) await edge.roster.remove(connection.socket, channelId, entityId)
}

/** Takes a connection out of a channel, if it is in. */
export async function removeMembership(
  edge: Edge,
  connection: Connection,
  channelId: string,
): Promise<void> {
  const membership = connection.memberships.get(channelId)
  if (membership !== undefined) await endMembership(edge, connection, membership)
}

/** Leaves a channel; leaving one that was not joined, or is hidden, or does not exist, answers alike. */
export async function leave(edge: Edge, request: Request): Promise<void> {
  const { connection, acknowledge } = request
  const payload = parse(leaveSchema, request.payload, TEXTS.leaveNeedsChannel)
  const channelId = channelOf(payload, TEXTS.leaveNeedsChannel)
  await connection.move(channelId, () => removeMembership(edge, connection, channelId))
  const answer = leftPayload(connection.id, channelId)
  connection.emit(EVENTS.channelLeft, answer)
  acknowledge(answer)
}
