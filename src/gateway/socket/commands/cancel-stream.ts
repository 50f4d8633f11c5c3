import { ChannelError } from '../../../protocol/errors.ts'
import { cancelSchema } from '../../../protocol/schemas.ts'
import { TEXTS } from '../../../protocol/wire.ts'
import { guardOf, isGranted, isRestricted } from '../../../service/access.ts'
import type { Edge, Request } from '../edge.ts'
import { channelOf, parse } from './payload.ts'

function denied(cause?: unknown): ChannelError {
  return new ChannelError('ACCESS_DENIED', TEXTS.sendDenied, { cause })
}

/**
 * Asks for the end of a stream, or of what agents do about a message. Whoever may send in the channel may; only
 * the callback is answered, as everybody in the channel sees the end of it.
 *
 * @throws ACCESS_DENIED alike for users and agents where the channel does not exist and where it is hidden;
 * CHANNEL_NOT_FOUND for others; STREAM_NOT_FOUND.
 */
export async function cancelStream(edge: Edge, request: Request): Promise<void> {
  const { connection, acknowledge } = request
  const { caller } = connection
  const payload = parse(cancelSchema, request.payload, TEXTS.cancelNeeds)
  const channelId = channelOf(payload, TEXTS.cancelNeeds)
  const { messageId } = payload
  if (messageId === undefined) throw new ChannelError('INVALID_PAYLOAD', TEXTS.cancelNeeds)
  if (!isGranted(caller, 'send', channelId)) throw denied()
  try {
    const guard = guardOf(caller, channelId)
    const cancelled = await edge.services.streams.cancel({ channelId, messageId, guard })
    acknowledge({ ...cancelled, roomId: channelId })
  } catch (error) {
    const isHidden = error instanceof ChannelError && error.code === 'CHANNEL_NOT_FOUND'
    throw isHidden && isRestricted(caller) ? denied(error) : error
  }
}
