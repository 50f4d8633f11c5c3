import { ChannelError } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { MessageBody } from '../protocol/model.ts'
import { isPlainJson } from '../util/json.ts'
import type { Json } from '../util/json.ts'
import { bytesPast } from '../util/utf8.ts'

/** How large what people write may be. The settings of the same names; none is above its one in `LIMITS`. */
export interface SizeLimits {
  readonly maxMessageBytes: number
  readonly maxAttachmentBytes: number
  readonly maxMetadataBytes: number
  readonly maxJsonDepth: number
  readonly maxPageRows: number
}

/** The parts of a message that can be too large; what is undefined is not there. */
type Sized = {
  readonly [Part in 'text' | 'attachments' | 'metadata' | 'raw']?: MessageBody[Part] | undefined
}

/** Takes no bytes, so that a bound of 0 means "none". */
function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function tooLarge(field: string, bytes: number, maxBytes: number): ChannelError {
  const text = `${field}: ${bytes} bytes are too large, at most ${maxBytes} are taken`
  return new ChannelError('PAYLOAD_TOO_LARGE', text)
}

/**
 * Holds what people write to the server's sizes, before anything of it reaches the log.
 *
 * The services ask here, so that both edges refuse alike; a refusal names the field, its size and the
 * limit. Costs next to nothing for a short message: it runs for every one.
 */
export class Sizes {
  readonly #limits: SizeLimits

  constructor(limits: SizeLimits) {
    this.#limits = limits
  }

  /** UTF-8 bytes of a message's text. */
  get maxMessageBytes(): number {
    return this.#limits.maxMessageBytes
  }

  /** @throws PAYLOAD_TOO_LARGE; INVALID_PAYLOAD where something is nested too deeply. */
  checkMessage({ text, attachments, metadata, raw }: Sized): void {
    const { maxMessageBytes, maxAttachmentBytes } = this.#limits
    if (text !== undefined) {
      const bytes = bytesPast(text, maxMessageBytes)
      if (bytes !== undefined) throw tooLarge('text', bytes, maxMessageBytes)
    }
    this.#checkJson('attachments', attachments, maxAttachmentBytes)
    this.checkMetadata(metadata)
    this.#checkJson('raw_message', raw, maxAttachmentBytes)
  }

  /** The metadata of a message, channel or server. @throws likewise. */
  checkMetadata(metadata: Json | undefined): void {
    this.#checkJson('metadata', metadata, this.#limits.maxMetadataBytes)
  }

  /** As many rows as a page may have, where more are asked for. */
  pageRows(asked: number): number {
    return Math.min(asked, this.#limits.maxPageRows)
  }

  #checkJson(field: string, value: Json | undefined, maxBytes: number): void {
    if (value === undefined || isEmpty(value)) return
    const { maxJsonDepth } = this.#limits
    // The edges' schemas hold everything to the protocol's own depth already.
    if (maxJsonDepth < LIMITS.maxJsonDepth && !isPlainJson(value, maxJsonDepth)) {
      const text = `${field}: is nested too deeply, at most ${maxJsonDepth} levels are taken`
      throw new ChannelError('INVALID_PAYLOAD', text)
    }
    const bytes = bytesPast(JSON.stringify(value), maxBytes)
    if (bytes !== undefined) throw tooLarge(field, bytes, maxBytes)
  }
}
