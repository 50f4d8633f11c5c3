import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { eventFrame } from './client-frames.ts'
import { stampOf, timeAt, timeText } from './stamps.ts'

/** Of a text, which begins with the stamp of its sending. */
const TEXT_CHARS = 100
/** The client's message ids are UUIDs that differ in their last group, a decimal number. */
const NUMBER_CHARS = 12
const UUID_CHARS = 36

const CLIENT_ID_KEY = Buffer.from('"clientMessageId":"')
const TEXT_KEY = Buffer.from('"text":"t=')
const SENDER_KEY = Buffer.from('"senderId":"')

function decimals(bytes: Buffer, start: number, chars: number): number {
  return Number(bytes.toString('latin1', start, start + chars))
}

/** The number of the client's message that a `messageAck` frame is about; NaN without one. */
export function acknowledgedNumber(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(CLIENT_ID_KEY, start)
  if (at === -1 || at >= end) return Number.NaN
  return decimals(bytes, at + CLIENT_ID_KEY.length + UUID_CHARS - NUMBER_CHARS, NUMBER_CHARS)
}

/** When the message of a `messageBroadcast` frame was sent; NaN for a foreign one. */
export function sentAtMs(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(TEXT_KEY, start)
  return at === -1 || at >= end ? Number.NaN : timeAt(bytes, at + TEXT_KEY.length)
}

export interface SenderIdentity {
  readonly entityId: string
  readonly channelId: string
  /** A UUID; the last group is replaced by the message's number. */
  readonly messageIdBase: string
}

/** The event `"2"` of one sender as the elizaOS client emits it; only number and time differ. */
export class MessageFrames {
  readonly #template: Buffer
  readonly #timeAt: number
  readonly #numberAt: number
  readonly #senderId: Buffer

  constructor({ entityId, channelId, messageIdBase }: SenderIdentity) {
    const stamp = stampOf(0)
    const messageId = messageIdBase.slice(0, UUID_CHARS - NUMBER_CHARS) + '0'.repeat(NUMBER_CHARS)
    this.#template = eventFrame('2', {
      senderId: entityId,
      senderName: 'Load',
      message: stamp.padEnd(TEXT_CHARS, 'parley '),
      channelId,
      roomId: channelId,
      messageServerId: DEFAULT_SERVER_ID,
      messageId,
      source: 'socketio_client',
      attachments: [],
      metadata: {},
    })
    this.#timeAt = this.#template.indexOf(stamp) + stamp.indexOf(timeText(0))
    this.#numberAt = this.#template.indexOf(messageId) + UUID_CHARS - NUMBER_CHARS
    this.#senderId = Buffer.from(entityId)
  }

  /** Whether this sender said what a `messageBroadcast` frame is about. */
  isOwn(bytes: Buffer, start: number): boolean {
    const own = this.#senderId
    const at = bytes.indexOf(SENDER_KEY, start) + SENDER_KEY.length
    return bytes.compare(own, 0, own.length, at, Math.min(at + own.length, bytes.length)) === 0
  }

  frame(number: number, atMs: number): Buffer {
    const frame = Buffer.from(this.#template)
    frame.write(timeText(atMs), this.#timeAt, 'latin1')
    frame.write(String(number).padStart(NUMBER_CHARS, '0'), this.#numberAt, 'latin1')
    return frame
  }
}
