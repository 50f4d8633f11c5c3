import { leaveSchema } from '../../../protocol/schemas.ts'
import { EVENTS, TEXTS } from '../../../protocol/wire.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { channelOf, parse } from './payload.ts'

/** Takes a connection out of a channel: no entry, no typing, no presence after it. */
export async function removeMembership(
  edge: Edge,
  connection: Connection,
  channelId: string,
): Promise<void> {
  const membership = connection.memberships.get(channelId)
  if (membership === undefined) return
  connection.memberships.delete(channelId)
  connection.typing.delete(channelId)
  edge.live.leave(channelId, membership)
  await edge.roster.remove(connection.socket, channelId, membership.entityId)
}

/** Leaves a channel; leaving one that was not joined answers alike. */
export async function leave(edge: Edge, request: Request): Promise<void> {
  const { connection, acknowledge } = request
  const payload = parse(leaveSchema, request.payload, TEXTS.leaveNeedsChannel)
  const channelId = channelOf(payload, TEXTS.leaveNeedsChannel)
  await connection.move(channelId, () => removeMembership(edge, connection, channelId))
  const answer = {
    message: `Socket ${connection.id} left channel ${channelId}.`,
    channelId,
    roomId: channelId,
  }
  connection.emit(EVENTS.channelLeft, answer)
  acknowledge(answer)
}
