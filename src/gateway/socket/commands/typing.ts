import { ChannelError } from '../../../protocol/errors.ts'
import { LIMITS } from '../../../protocol/limits.ts'
import { typingSchema } from '../../../protocol/schemas.ts'
import { TEXTS } from '../../../protocol/wire.ts'
import { isGranted, speakerOf } from '../../../service/access.ts'
import type { TypingSignal } from '../../../signals/signals.ts'
import type { Connection } from '../connection.ts'
import type { Edge, Request } from '../edge.ts'
import { channelOf, parse } from './payload.ts'

/**
 * Milliseconds between two relayed starts of one connection in one channel. Signals pass through the
 * primary: what comes sooner is answered and not relayed, as receivers still show the first.
 */
const MIN_START_INTERVAL_MS = 1_000

/**
 * Typing goes to those in the channel and needs one to be in it, so who may not join learns nothing here.
 *
 * @throws INVALID_PAYLOAD; ACCESS_DENIED where the token does not allow to send there, and where a user
 * names somebody else.
 */
function relay(edge: Edge, request: Request, isTyping: boolean): void {
  const { connection, acknowledge } = request
  const payload = parse(typingSchema, request.payload, TEXTS.typingNeedsChannel)
  const channelId = channelOf(payload, TEXTS.typingNeedsChannel)
  speakerOf(connection.caller, payload.entityId)
  if (!isGranted(connection.caller, 'send', channelId)) {
    throw new ChannelError('ACCESS_DENIED', TEXTS.sendDenied)
  }
  const membership = connection.memberships.get(channelId)
  if (membership?.isAdmitted !== true) {
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

/** A start is due when none was relayed lately, a stop when others see a start. */
function isDue({ typing }: Connection, { channelId, isTyping }: TypingSignal): boolean {
  const state = typing.get(channelId)
  const nowMs = performance.now()
  if (isTyping) {
    if (state !== undefined && nowMs - state.startedMs < MIN_START_INTERVAL_MS) return false
    typing.set(channelId, { startedMs: nowMs, isShown: true })
    return true
  }
  if (state?.isShown !== true) return false
  typing.set(channelId, { ...state, isShown: false })
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
