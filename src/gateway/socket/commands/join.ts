import { ChannelError } from '../../../protocol/errors.ts'
import { joinSchema } from '../../../protocol/schemas.ts'
import type { JoinPayload } from '../../../protocol/schemas.ts'
import { EVENTS, TEXTS } from '../../../protocol/wire.ts'
import type { AgentTurn } from '../../../protocol/model.ts'
import type { Joined } from '../../../service/live.ts'
import { isGranted, isRestricted, speakerOf } from '../../../service/access.ts'
import { StandingWatch } from '../../../service/standing-watch.ts'
import { compact } from '../../../util/compact.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { agentRow } from '../encode.ts'
import { Membership } from '../membership.ts'
import { endMembership, removeMembership } from './leave.ts'
import { channelOf, parse } from './payload.ts'

/** What a join is answered with, whatever the client called it (elizaOS sends it under two names). */
function joinedPayload(
  socketId: string,
  payload: JoinPayload,
  { joined, turns }: { readonly joined: Joined; readonly turns: readonly AgentTurn[] },
): object {
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  return {
    message: `Socket ${socketId} successfully joined channel ${channelId}.`,
    channelId,
    roomId: channelId,
    ...compact({ agentId: payload.agentId }),
    epoch: joined.epoch,
    seq: joined.seq,
    ...compact({ recovered: joined.isRecovered }),
    agents: turns.map(agentRow),
  }
}

/** A restricted caller learns one thing only: that it may not. */
function refusal(error: unknown): unknown {
  const isDenied =
    error instanceof ChannelError &&
    (error.code === 'CHANNEL_NOT_FOUND' || error.code === 'ACCESS_DENIED')
  return isDenied ? new ChannelError('ACCESS_DENIED', TEXTS.joinDenied) : error
}

function createMembership(edge: Edge, connection: Connection, payload: JoinPayload): Membership {
  return new Membership({
    channelId: channelOf(payload, TEXTS.joinNeedsChannel),
    holder: connection,
    entityId: payload.entityId ?? connection.entityId,
    encoder: edge.encoder,
    isRestricted: isRestricted(connection.caller),
    onExpelled: (expelled) => {
      endMembership(edge, connection, expelled).catch((error: unknown) => {
        edge.logger.error({ err: error }, 'membership not ended')
      })
    },
  })
}

/**
 * Decides by what the log says, and answers at which entry: delivery begins behind it, and the first decision
 * is the one that every entry from there on is held against.
 */
async function admit({ services }: Edge, { caller }: Connection, to: Membership): Promise<number> {
  const { channelId } = to
  const admission = await services.access.admit(caller, channelId)
  if (!to.isAdmitted) to.admit(new StandingWatch(caller, channelId, admission))
  return admission.upTo
}

async function goLive(edge: Edge, request: Request, payload: JoinPayload): Promise<Membership> {
  const { connection, acknowledge } = request
  const membership = createMembership(edge, connection, payload)
  const { channelId } = membership
  connection.memberships.set(channelId, membership)
  try {
    await edge.live.join({
      channelId,
      follower: membership,
      ...compact({ since: payload.since }),
      ...(membership.isAdmitted ? {} : { admit: () => admit(edge, connection, membership) }),
      onJoined: (joined, turns) => {
        membership.deliversAfter = joined.isRecovered === true ? payload.since?.seq : joined.seq
        const answer = joinedPayload(connection.id, payload, { joined, turns })
        connection.emit(EVENTS.channelJoined, answer)
        connection.emit(EVENTS.roomJoined, answer)
        acknowledge(answer)
      },
    })
  } catch (error) {
    connection.memberships.delete(channelId)
    throw error
  }
  return membership
}

/** elizaOS's ENTITY_JOINED, for the agents of the channel. */
function announce(
  edge: Edge,
  { channelId, entityId }: Membership,
  { payload, socketId }: { readonly payload: JoinPayload; readonly socketId: string },
): void {
  if (entityId === undefined) return
  const serverId = payload.messageServerId ?? payload.serverId
  const { metadata = {}, agentId } = payload
  const named = compact({ serverId, agentId })
  edge.services.participants.announce({ channelId, entityId, metadata, socketId, ...named })
}

async function moveIn(edge: Edge, request: Request, payload: JoinPayload): Promise<void> {
  const { connection } = request
  const { caller, memberships } = connection
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  // First, so that a stranger's attempt costs and changes the same wherever it goes.
  if (isRestricted(caller)) await edge.services.access.check(caller, 'join', channelId)
  await edge.services.access.checkSpeaker(caller, payload.entityId, channelId)
  if (connection.isClosed) return
  const isRejoin = memberships.has(channelId)
  if (!isRejoin && memberships.size >= edge.settings.maxChannelsPerConnection) {
    throw new ChannelError('TOO_MANY_CHANNELS')
  }
  if (isRejoin) await removeMembership(edge, connection, channelId)
  const membership = await goLive(edge, request, payload)
  // Its stay may have ended while it caught up.
  if (memberships.get(channelId) !== membership) return
  membership.isListed = true
  announce(edge, membership, { payload, socketId: connection.id })
  await edge.roster.add(connection.socket, channelId, membership.entityId)
}

/**
 * Joins a channel, existing or not: registers for delivery, replays what was missed `since`, answers
 * with the position after which delivery goes on. Joining again starts the channel's delivery anew.
 *
 * Users and agents join what exists and is open to them, and hear in the same words of what is not and
 * of what is not there. When they lose the channel, `channel_left` with `reason: 'removed'` ends what
 * they get of it; once it is open to them again they join again.
 *
 * @throws ACCESS_DENIED, also where the token allows no join there, or no read with `since`, and where a
 * user names somebody else.
 */
export async function join(edge: Edge, request: Request): Promise<void> {
  const payload = parse(joinSchema, request.payload, TEXTS.joinNeedsChannel)
  edge.services.sizes.checkMetadata(payload.metadata)
  const { connection } = request
  const { caller } = connection
  const channelId = channelOf(payload, TEXTS.joinNeedsChannel)
  speakerOf(caller, payload.entityId)
  const needed = payload.since === undefined ? (['join'] as const) : (['join', 'read'] as const)
  if (!needed.every((action) => isGranted(caller, action, channelId))) {
    throw new ChannelError('ACCESS_DENIED', TEXTS.joinDenied)
  }
  try {
    // Counts for a message right behind the join, which does not wait for it.
    if (payload.entityId !== undefined) connection.joiningAs.set(channelId, payload.entityId)
    await connection.move(channelId, () => moveIn(edge, request, payload))
  } catch (error) {
    throw refusal(error)
  } finally {
    connection.joiningAs.delete(channelId)
  }
}
