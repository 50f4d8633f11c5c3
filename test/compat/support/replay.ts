import type { Answer, RestServer } from '../../integration/support/rest-server.ts'

/** One recorded exchange with the real elizaOS server 1.7.2, and where Parley answers otherwise. */
export interface Recording {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly body?: unknown
    readonly headers?: Record<string, string>
  }
  readonly status: number
  readonly body: unknown
  /** A deviation on purpose: the status here, and why. */
  readonly parley?: { readonly status: number; readonly why: string }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const isEpochMs = (value: unknown): boolean =>
  typeof value === 'number' && value > 1_000_000_000_000

/** Replays recordings in order; ids that the server made up are learned from its answers. */
export class Replay {
  readonly #server: RestServer
  readonly #ids = new Map<string, string>()

  constructor(server: RestServer) {
    this.#server = server
  }

  send({ request }: Recording): Promise<Answer> {
    const { method, path, body, headers } = request
    const ours = body === undefined ? undefined : JSON.parse(this.#ours(JSON.stringify(body)))
    return this.#server.call(method, this.#ours(path), ours, headers)
  }

  /** What of the recorded body is missing or different in ours; ours may have more. */
  differences(recorded: unknown, actual: unknown, at = '$'): string[] {
    if (typeof recorded === 'string') return this.#textDifferences(recorded, actual, at)
    if (isEpochMs(recorded)) return isEpochMs(actual) ? [] : [`${at}: no time: ${String(actual)}`]
    if (Array.isArray(recorded)) {
      if (!Array.isArray(actual) || actual.length !== recorded.length) {
        return [`${at}: ${JSON.stringify(actual)} is no list of ${recorded.length}`]
      }
      return recorded.flatMap((item, index) =>
        this.differences(item, actual[index], `${at}[${index}]`),
      )
    }
    if (typeof recorded === 'object' && recorded !== null) {
      const fields: Record<string, unknown> = { ...(typeof actual === 'object' ? actual : {}) }
      return Object.entries(recorded).flatMap(([key, value]) =>
        this.differences(value, fields[key], `${at}.${key}`),
      )
    }
    return recorded === actual ? [] : [`${at}: ${JSON.stringify(actual)}, not ${String(recorded)}`]
  }

  #ours(text: string): string {
    return text.replaceAll(UUID, (id) => this.#ids.get(id) ?? id)
  }

  #textDifferences(recorded: string, actual: unknown, at: string): string[] {
    if (typeof actual !== 'string') return [`${at}: ${JSON.stringify(actual)}, not "${recorded}"`]
    if (ISO.test(recorded)) return ISO.test(actual) ? [] : [`${at}: no ISO time: ${actual}`]
    if (recorded.length === 36 && at.endsWith('d') && !this.#ids.has(recorded)) {
      const isNew = recorded.replaceAll(UUID, '') === '' && recorded !== actual
      if (isNew) this.#ids.set(recorded, actual)
    }
    return this.#ours(recorded) === actual ? [] : [`${at}: "${actual}", not "${recorded}"`]
  }
}
