import { ChannelError } from '../../../protocol/errors.ts'
import { LIMITS } from '../../../protocol/limits.ts'
import { typingSchema } from '../../../protocol/schemas.ts'
import { TEXTS } from '../../../protocol/wire.ts'
import type { TypingSignal } from '../../../signals/signals.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { channelOf, parse } from './payload.ts'

/**
 * Milliseconds between two relayed starts of one connection in one channel. Signals pass through the
 * primary: what comes sooner is answered and not relayed, as receivers still show the first.
 */
const MIN_START_INTERVAL_MS = 1_000

function relay(edge: Edge, request: Request, isTyping: boolean): void {
  const { connection, acknowledge } = request
  const payload = parse(typingSchema, request.payload, TEXTS.typingNeedsChannel)
  const channelId = channelOf(payload, TEXTS.typingNeedsChannel)
  const membership = connection.memberships.get(channelId)
  if (membership === undefined) {
    throw new ChannelError('INVALID_PAYLOAD', 'Join the channel before typing in it.')
  }
  const entityId = membership.entityId ?? payload.entityId
  if (entityId === undefined) {
    throw new ChannelError(
      'INVALID_PAYLOAD',
      'Typing needs an entityId: in the handshake, the join or the payload.',
    )
  }
  const signal = { channelId, entityId, isTyping, ttlMs: LIMITS.typingTtlMs }
  if (isDue(connection, signal)) edge.signals.typing(signal, connection.id)
  acknowledge({ ...signal, roomId: channelId })
}

/** A start is due when none was relayed lately, a stop when a start was. */
function isDue(connection: Connection, signal: TypingSignal): boolean {
  const { channelId, isTyping } = signal
  const sinceMs = connection.typingSinceMs.get(channelId)
  const nowMs = performance.now()
  if (!isTyping) return connection.typingSinceMs.delete(channelId)
  if (sinceMs !== undefined && nowMs - sinceMs < MIN_START_INTERVAL_MS) return false
  connection.typingSinceMs.set(channelId, nowMs)
  return true
}

/** Shows the others in the channel that an entity types; they forget it after `ttlMs`. */
export function typingStart(edge: Edge, request: Request): void {
  relay(edge, request, true)
}

/** Takes a typing indicator back; without one it does nothing. */
export function typingStop(edge: Edge, request: Request): void {
  relay(edge, request, false)
}
