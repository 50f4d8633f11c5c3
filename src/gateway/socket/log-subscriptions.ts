import { ChannelError } from '../../protocol/errors.ts'
import { EVENTS } from '../../protocol/wire.ts'
import { LOG_LEVELS } from '../../protocol/log-levels.ts'
import type { LogLevelName } from '../../protocol/log-levels.ts'
import type { LogLine, LogStream } from '../../service/cluster.ts'
import type { Connection } from './connection.ts'

/** Both absent or `all`: everything. */
export interface LogFilter {
  readonly agentName?: string
  readonly level?: LogLevelName | 'all'
}

function matches(line: LogLine, filter: LogFilter): boolean {
  const { agentName = 'all', level = 'all' } = filter
  if (agentName !== 'all' && line.agentName !== agentName) return false
  return level === 'all' || line.level >= LOG_LEVELS[level]
}

/**
 * Connections that watch the log, each with its filter. The stream is subscribed to while there is
 * at least one, so that an unwatched log costs the gateways nothing; there are never more than
 * `maxSubscribers`, because every line is written once for each.
 */
export class LogSubscriptions {
  readonly #stream: LogStream
  readonly #filters = new Map<Connection, LogFilter>()
  readonly #maxSubscribers: number
  #unsubscribe: (() => void) | undefined

  constructor(stream: LogStream, maxSubscribers: number) {
    this.#stream = stream
    this.#maxSubscribers = maxSubscribers
  }

  /** Again changes nothing. @throws TOO_MANY_SUBSCRIBERS. */
  add(connection: Connection): void {
    if (this.#filters.has(connection)) return
    if (this.#filters.size >= this.#maxSubscribers) throw new ChannelError('TOO_MANY_SUBSCRIBERS')
    this.#filters.set(connection, {})
    this.#unsubscribe ??= this.#stream.subscribe((line) => {
      this.#deliver(line)
    })
  }

  remove(connection: Connection): void {
    this.#filters.delete(connection)
    if (this.#filters.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  /** Merges into the connection's filter; undefined when it does not watch the log. */
  refine(connection: Connection, changes: LogFilter): LogFilter | undefined {
    const filter = this.#filters.get(connection)
    if (filter === undefined) return undefined
    const merged = { ...filter, ...changes }
    this.#filters.set(connection, merged)
    return merged
  }

  #deliver(line: LogLine): void {
    const payload = { type: 'log_entry', payload: line }
    for (const [connection, filter] of this.#filters) {
      if (matches(line, filter)) connection.emit(EVENTS.logStream, payload)
    }
  }
}
