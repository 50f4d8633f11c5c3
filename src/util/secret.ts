import { createHash, timingSafeEqual } from 'node:crypto'

const REDACTED = '[redacted]'

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A value that never prints: not in logs, not in JSON, not in string templates. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Compares in constant time, whatever the lengths. */
  equals(candidate: string): boolean {
    return timingSafeEqual(digest(this.#value), digest(candidate))
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED
  }
}
