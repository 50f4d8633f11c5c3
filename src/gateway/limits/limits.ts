import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../config/settings.ts'
import { ChannelError, ERRORS } from '../../protocol/errors.ts'
import type { Caller } from '../../service/caller.ts'
import type { Hold, Quotas, Wanted } from '../../signals/signals.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ClientAddresses } from '../client-address.ts'
import { countedCaller } from './counted-caller.ts'
import type { Identify } from './counted-caller.ts'
import { EventMeter } from './event-meter.ts'
import type { EntityQuota } from './event-meter.ts'
import { RateLimited } from './rate-limited.ts'
import type { LimitName } from './rate-limited.ts'
import { RefusalCounts } from './refusal-counts.ts'

type LimitSettings = Pick<
  Settings,
  | 'maxConnectionsPerEntity'
  | 'maxConnectionsPerAddress'
  | 'connectsPerSecond'
  | 'eventsPerSecond'
  | 'entityEventsPerSecond'
  | 'requestsPerSecond'
  | 'keyRequestsPerSecond'
>

export interface LimitsOptions {
  readonly settings: LimitSettings
  readonly quotas: Quotas
  readonly addresses: ClientAddresses
  readonly logger: Logger
  /** Milliseconds of a clock that nobody sets. */
  readonly nowMs: () => number
}

/**
 * New sessions from one address for each connect that it may have. Who opens one has not said who it is
 * yet, and may be a service, to which the limit does not apply.
 */
const SESSIONS_PER_CONNECT = 10

/** When a client that has too many connections may try again: nobody knows when it closes one. */
const RETRY_CONNECT_MS = 5_000

/** A place that a connection takes, and the limit that it counts for. */
interface Counted extends Wanted {
  readonly limit: LimitName
}

/** True for those who are held to the limits of their address: everybody but services and a token's agents and administrators. */
function isPublic(caller: Caller | undefined): boolean {
  return caller === undefined || caller.role === 'user' || caller.role === 'anyone'
}

/** How much everybody may do, on both edges of a gateway; what it is counted by is the quotas' to know. */
export class Limits {
  readonly #options: LimitsOptions
  readonly #counts: RefusalCounts

  constructor(options: LimitsOptions) {
    this.#options = options
    this.#counts = new RefusalCounts(options.logger)
  }

  /** Refusals since the start, by limit. */
  counts(): Readonly<Record<LimitName, number>> {
    return this.#counts.totals()
  }

  /** Writes what is not logged yet. */
  close(): void {
    this.#counts.close()
  }

  /** Counts a session that is about to open. @throws RateLimited. */
  takeSession(request: IncomingMessage): void {
    const { addresses, settings } = this.#options
    addresses.remember(request)
    const address = addresses.keyOf(request)
    if (address === undefined) return
    this.#take('connects', `sessions ${address}`, settings.connectsPerSecond * SESSIONS_PER_CONNECT)
  }

  /** Counts a connect, of whoever it is; undefined: it could not prove it. @throws RateLimited. */
  takeConnect(request: IncomingMessage, caller: Caller | undefined): void {
    const { addresses, settings } = this.#options
    const address = isPublic(caller) ? addresses.keyOf(request) : undefined
    if (address === undefined) return
    this.#take('connects', `connects ${address}`, settings.connectsPerSecond)
  }

  /**
   * A place among the connections of its entity and its address, until it is released; undefined where
   * nothing is counted. @throws TOO_MANY_CONNECTIONS.
   */
  async holdConnection(request: IncomingMessage, caller: Caller): Promise<Hold | undefined> {
    const { addresses, quotas } = this.#options
    const wanted = isPublic(caller) ? this.#wanted(caller, addresses.keyOf(request)) : []
    if (wanted.length === 0) return undefined
    const hold = await quotas.hold(wanted.map(({ key, max }) => ({ key, max })))
    if (hold.refused === undefined) return hold
    const { key } = hold.refused
    const limit = wanted.find((one) => one.key === key)?.limit ?? 'connections-of-address'
    this.#counts.add(limit, key)
    throw new ChannelError('TOO_MANY_CONNECTIONS', ERRORS.TOO_MANY_CONNECTIONS.message, {
      retryAfterMs: RETRY_CONNECT_MS,
    })
  }

  /** What counts the events of one connection; `onFlood` is called once when it is to be closed. */
  meter(caller: Caller, onFlood: () => void): EventMeter {
    const { quotas, nowMs, settings } = this.#options
    const key = caller.entityId ?? caller.role
    return new EventMeter({
      perSecond: settings.eventsPerSecond,
      entity: this.#entityQuota(caller),
      quotas,
      nowMs,
      onRefused: (limit) => this.#counts.add(limit, key),
      onFlood: () => {
        this.#counts.add('floods', key)
        onFlood()
      },
    })
  }

  /**
   * Finds out who sends a REST request and counts it, also when nobody can tell who: `request` is
   * undefined where there is no connection. @throws RateLimited, and what `identify` throws.
   */
  identified(request: IncomingMessage | undefined, identify: Identify): Promise<Caller> {
    return countedCaller(identify, (caller) => this.takeRequest(request, caller))
  }

  /** Counts a REST request of whoever sends it; undefined: nobody was asked. @throws RateLimited. */
  takeRequest(request: IncomingMessage | undefined, caller: Caller | undefined): void {
    const { addresses, settings } = this.#options
    if (caller?.role === 'service') {
      this.#take('key-requests', 'key', settings.keyRequestsPerSecond)
    }
    if (!isPublic(caller)) return
    const address = request === undefined ? undefined : addresses.keyOf(request)
    if (address !== undefined) {
      this.#take('requests', `requests ${address}`, settings.requestsPerSecond)
    }
    const entity = caller === undefined ? undefined : this.#entityQuota(caller)
    if (entity !== undefined) this.#take('entity-events', entity.key, entity.perSecond)
  }

  /**
   * Counts what costs little and is asked without saying who asks: health, and a browser's preflights. By
   * itself, so that a flood of other requests from a proxy's address does not make the server look ill to it.
   * @throws RateLimited.
   */
  takeProbe(request: IncomingMessage | undefined): void {
    const { addresses, settings } = this.#options
    const address = request === undefined ? undefined : addresses.keyOf(request)
    if (address === undefined) return
    this.#take('requests', `probes ${address}`, settings.requestsPerSecond)
  }

  #entityQuota({ role, entityId }: Caller): EntityQuota | undefined {
    if (role !== 'user' || entityId === undefined) return undefined
    const perSecond = this.#options.settings.entityEventsPerSecond
    return { key: `entity ${entityId}`, perSecond }
  }

  #wanted(caller: Caller, address: string | undefined): readonly Counted[] {
    const { maxConnectionsPerEntity, maxConnectionsPerAddress } = this.#options.settings
    const wanted: Counted[] = []
    if (caller.role === 'user' && caller.entityId !== undefined) {
      const key = `entity ${caller.entityId}`
      wanted.push({ limit: 'connections-of-entity', key, max: maxConnectionsPerEntity })
    }
    if (address !== undefined) {
      const key = `address ${address}`
      wanted.push({ limit: 'connections-of-address', key, max: maxConnectionsPerAddress })
    }
    return wanted
  }

  #take(limit: LimitName, key: string, perSecond: number): void {
    const waitMs = this.#options.quotas.take(key, perSecond)
    if (waitMs === 0) return
    this.#counts.add(limit, key)
    throw new RateLimited(perSecond, waitMs)
  }
}
