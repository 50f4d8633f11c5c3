import { expect } from 'vitest'
import { asPayload } from './client.ts'

/** Values that differ from run to run; only their type is compared. */
const TIMES = new Set(['timestamp', 'createdAt', 'updatedAt', 'created_at', 'updated_at'])

/** Ids that the recording's client chose; all other UUIDs in it are the server's. */
const CHOSEN = /^(?:c0000000|00000000|([abcd])\1{7})-/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Fields of a recording that Parley leaves out, with the reason. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['socket_id', 'names a live connection to everybody who reads the history'],
])

/** Ids that a server made: the recorded one, and the one that stands for it in this run. */
export class Bindings {
  readonly #actual = new Map<string, string>()

  /** A recorded id must stand for one id throughout, and no id for two. */
  bind(recorded: string, actual: unknown): string {
    const known = this.#actual.get(recorded)
    if (known !== undefined) return known
    if (typeof actual !== 'string' || [...this.#actual.values()].includes(actual)) {
      return `an id for ${recorded} that stands for no other`
    }
    this.#actual.set(recorded, actual)
    return actual
  }

  /** What was recorded, in the ids of this run; times become matchers. */
  resolve(recorded: unknown, actual: unknown, key = ''): unknown {
    if (TIMES.has(key)) return expect.any(typeof recorded === 'number' ? Number : String)
    if (typeof recorded === 'string') return this.#text(recorded, actual, key)
    if (Array.isArray(recorded)) {
      return recorded.map((one, index) => this.resolve(one, asPayload(actual)[index]))
    }
    if (!isPlain(recorded)) return recorded
    const entries = Object.entries(recorded)
      .filter(([name]) => !LEFT_OUT.has(name))
      .map(([name, value]) => [name, this.resolve(value, asPayload(actual)[name], name)] as const)
    return Object.fromEntries(entries)
  }

  #text(recorded: string, actual: unknown, key: string): string {
    if (key === 'socketId') return this.bind(recorded, actual)
    if (UUID.test(recorded) && !CHOSEN.test(recorded)) return this.bind(recorded, actual)
    return this.translate(recorded)
  }

  /** A text with the bound ids in it replaced. */
  translate(recorded: string): string {
    let text = recorded
    for (const [from, to] of this.#actual) text = text.replaceAll(from, to)
    return text
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  // A matcher of vitest's stays what it is, and so does binary data.
  return !('asymmetricMatch' in value) && !Buffer.isBuffer(value)
}
