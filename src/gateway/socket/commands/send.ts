import type { Outcome } from '../../../log/log.ts'
import { ChannelError } from '../../../protocol/errors.ts'
import { sendSchema } from '../../../protocol/schemas.ts'
import type { SendPayload } from '../../../protocol/schemas.ts'
import { TEXTS } from '../../../protocol/wire.ts'
import { guardOf, isGranted, mayCreateBySending, speakerOf } from '../../../service/access.ts'
import { speaksAsAgent } from '../../../service/caller.ts'
import type { PostInput } from '../../../service/messages.ts'
import { compact } from '../../../util/compact.ts'
import { newId } from '../../../util/new-id.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { ackPayload, entryPackets, ownPackets, withAck } from '../encode.ts'
import { SharedPackets } from '../shared-packets.ts'
import { channelOf, parse } from './payload.ts'

/**
 * Said, else the token's or the handshake's entity, else what this connection joined the channel as.
 *
 * @throws ACCESS_DENIED when a user names somebody else; INVALID_PAYLOAD.
 */
function senderOf(connection: Connection, payload: SendPayload, channelId: string): string {
  const joinedAs = (): string | undefined =>
    connection.joiningAs.get(channelId) ?? connection.memberships.get(channelId)?.entityId
  const senderId = speakerOf(connection.caller, payload.senderId) ?? joinedAs()
  if (senderId === undefined) throw new ChannelError('INVALID_PAYLOAD', TEXTS.sendNeeds)
  return senderId
}

/** A message needs text or attachments. */
function textOf(payload: SendPayload): string {
  const text = payload.message ?? ''
  if (text === '' && (payload.attachments ?? []).length === 0) {
    throw new ChannelError('INVALID_PAYLOAD', TEXTS.sendNeeds)
  }
  return text
}

/**
 * What the log is to look at when it gets to the message. Users, agents and tokens that list channels make none
 * by sending: for them one that does not exist is refused like one that is hidden.
 */
function conditions(
  { caller }: Connection,
  payload: SendPayload,
  channelId: string,
): Pick<PostInput, 'visibleTo' | 'autoCreate'> {
  const guard = guardOf(caller, channelId)
  if (!mayCreateBySending(caller)) return guard
  const createdBy = 'socketio_auto_creation'
  return { autoCreate: { createdBy, ...compact({ targetUserId: payload.targetUserId }) } }
}

function post(edge: Edge, request: Request, messageId: string): Promise<Outcome> {
  const { connection } = request
  const payload = parse(sendSchema, request.payload, TEXTS.sendNeeds)
  const channelId = channelOf(payload, TEXTS.sendNeeds)
  if (!isGranted(connection.caller, 'send', channelId)) {
    throw new ChannelError('ACCESS_DENIED', TEXTS.sendDenied)
  }
  const authorId = senderOf(connection, payload, channelId)
  const input: PostInput = {
    id: messageId,
    channelId,
    serverId: payload.messageServerId ?? payload.serverId,
    authorId,
    ...(speaksAsAgent(connection.caller, authorId) && { isOfAgent: true }),
    senderName: payload.senderName,
    text: textOf(payload),
    source: payload.source ?? TEXTS.defaultSource,
    clientMessageId: payload.messageId,
    attachments: payload.attachments,
    metadata: payload.metadata,
    ...conditions(connection, payload, channelId),
  }
  connection.own.set(messageId, {
    clientMessageId: payload.messageId,
    acknowledge: request.acknowledge,
  })
  return edge.services.messages.post(input)
}

interface Sent {
  readonly connection: Connection
  readonly messageId: string
}

/**
 * Answers the sender where no delivery will: it is not in the channel, or it repeated a message,
 * which is acknowledged with the first result and nothing else.
 */
function release(edge: Edge, sent: Sent, outcome: Outcome): void {
  const { connection, messageId } = sent
  const own = connection.own.get(messageId)
  const { message, seq = 0 } = outcome
  if (own === undefined || message === undefined) return
  // Told by the id: this very message, submitted again to a new writer, is a duplicate there only.
  const isRepeat = message.id !== messageId
  const membership = connection.memberships.get(message.channelId)
  const isToBeDelivered =
    !isRepeat &&
    membership !== undefined &&
    edge.live.willDeliver(message.channelId, membership, seq)
  if (isToBeDelivered) return
  connection.own.delete(messageId)
  // Its place in the channel has passed without it: it was erased before it could be delivered here.
  const isErased = seq > (membership?.deliversAfter ?? Number.POSITIVE_INFINITY)
  const ack = ackPayload(message, own.clientMessageId)
  let copy: readonly string[] = []
  if (!isRepeat && !isErased) {
    const { channelId, createdAt: at } = message
    const hasAgents = outcome.hasAgents === true
    const shared = entryPackets({ kind: 'posted', channelId, seq, at, message, hasAgents })
    copy = ownPackets(shared, message.clientMessageId)
  }
  connection.outbox.send(new SharedPackets(withAck(copy, ack)))
  own.acknowledge(ack)
}

function isHidden(error: unknown): boolean {
  return error instanceof ChannelError && error.code === 'CHANNEL_NOT_FOUND'
}

/** Resolves when it stands whether and where the message reaches its sender through the channel. */
async function decided(edge: Edge, connection: Connection, channelId: string): Promise<void> {
  do {
    // A join under way decides it, and another one may begin while the delivery is waited for.
    if (connection.isMoving(channelId)) await connection.settled(channelId)
    // What is left to be answered then is what the delivery did not answer: a repetition, behind its copy
    // that is just arriving, or a message that was erased meanwhile.
    await edge.live.delivered(channelId)
  } while (connection.isMoving(channelId))
}

/**
 * Sends a message: stored, then delivered to the channel, then acknowledged. A channel that does not
 * exist is created, except by users and agents. Messages of one connection keep the order in which they
 * were sent. A sender who loses the channel meanwhile is answered all the same: acknowledged where the
 * message was stored before, refused otherwise.
 *
 * @throws ACCESS_DENIED alike for users and agents where the channel does not exist and where it is hidden;
 * also where the token allows no sending there, and where a user names somebody else.
 */
export async function send(edge: Edge, request: Request): Promise<void> {
  const { connection } = request
  const messageId = newId()
  try {
    const outcome = await post(edge, request, messageId)
    await decided(edge, connection, outcome.message?.channelId ?? '')
    release(edge, { connection, messageId }, outcome)
  } catch (error) {
    const isUnanswered = connection.own.delete(messageId)
    if (!isHidden(error)) throw error
    // Answered: a writer that died had stored it, its delivery was the acknowledgement, and what is refused
    // is only its repetition to the next writer, behind the sender's removal.
    if (isUnanswered) throw new ChannelError('ACCESS_DENIED', TEXTS.sendDenied, { cause: error })
  }
}
