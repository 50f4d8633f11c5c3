import { ChannelError } from '../../../protocol/errors.ts'
import { joinSchema } from '../../../protocol/schemas.ts'
import type { JoinPayload } from '../../../protocol/schemas.ts'
import { EVENTS, TEXTS } from '../../../protocol/wire.ts'
import type { Joined } from '../../../service/live.ts'
import { compact } from '../../../util/compact.ts'
import type { Edge, Request } from '../edge.ts'
import { Membership } from '../membership.ts'
import { removeMembership } from './leave.ts'
import { channelOf, parse } from './payload.ts'

/** What a join is answered with, whatever the client called it (elizaOS sends it under two names). */
function joinedPayload(socketId: string, payload: JoinPayload, joined: Joined): object {
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  return {
    message: `Socket ${socketId} successfully joined channel ${channelId}.`,
    channelId,
    roomId: channelId,
    ...compact({ agentId: payload.agentId }),
    epoch: joined.epoch,
    seq: joined.seq,
    ...compact({ recovered: joined.isRecovered }),
  }
}

async function moveIn(edge: Edge, request: Request, payload: JoinPayload): Promise<void> {
  const { connection, acknowledge } = request
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  if (connection.isClosed) return
  const isRejoin = connection.memberships.has(channelId)
  if (!isRejoin && connection.memberships.size >= edge.settings.maxChannelsPerConnection) {
    throw new ChannelError('TOO_MANY_CHANNELS')
  }
  if (isRejoin) await removeMembership(edge, connection, channelId)
  const membership = new Membership(
    connection,
    payload.entityId ?? connection.entityId,
    edge.encoder,
  )
  connection.memberships.set(channelId, membership)
  try {
    await edge.live.join({
      channelId,
      follower: membership,
      ...compact({ since: payload.since }),
      onJoined: (joined) => {
        membership.deliversAfter = joined.isRecovered === true ? payload.since?.seq : joined.seq
        const answer = joinedPayload(connection.id, payload, joined)
        connection.emit(EVENTS.channelJoined, answer)
        connection.emit(EVENTS.roomJoined, answer)
        acknowledge(answer)
      },
    })
  } catch (error) {
    connection.memberships.delete(channelId)
    throw error
  }
  await edge.roster.add(connection.socket, channelId, membership.entityId)
}

/**
 * Joins a channel, existing or not: registers for delivery, replays what was missed `since`, answers
 * with the position after which delivery goes on. Joining again starts the channel's delivery anew.
 */
export async function join(edge: Edge, request: Request): Promise<void> {
  const payload = parse(joinSchema, request.payload, TEXTS.joinNeedsChannel)
  const { connection } = request
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  // Counts for a message right behind the join, which does not wait for it.
  if (payload.entityId !== undefined) connection.joiningAs.set(channelId, payload.entityId)
  try {
    await connection.move(channelId, () => moveIn(edge, request, payload))
  } finally {
    connection.joiningAs.delete(channelId)
  }
}
