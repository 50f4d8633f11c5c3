import { FrameKind } from '../ipc/frame-kinds.ts'
import type { ReconnectingLink } from '../ipc/reconnecting-link.ts'
import { ChannelError } from '../protocol/errors.ts'
import { ITEMS_PER_FRAME } from './presence-wire.ts'
import type {
  ChangedPayload,
  ChangesPayload,
  ListedPayload,
  ListPayload,
  Pair,
  ReadyPayload,
  RegisterPayload,
} from './presence-wire.ts'
import { PresenceShare } from './presence-share.ts'
import type { Presence, PresenceChange } from './signals.ts'

export interface RemotePresenceOptions {
  /** The link to the hub's process, not started yet. */
  readonly link: ReconnectingLink
  readonly onChange: (change: PresenceChange) => void
  /**
   * Departures wait this long, in ms; arrivals do not. So a leave and a join in quick succession cancel
   * out, and an entity that moves to another gateway has arrived there before it leaves here.
   */
  readonly windowMs?: number
  /** Longest wait for `list`, in ms; past it `WRITER_UNAVAILABLE`. */
  readonly listTimeoutMs?: number
  /** Most unanswered `list` calls; past it `OVERLOADED`. */
  readonly maxPendingLists?: number
}

interface Listing {
  readonly channelId: string
  readonly resolve: (entityIds: readonly string[]) => void
  readonly reject: (error: ChannelError) => void
  readonly timer: NodeJS.Timeout
}

const DEFAULT_WINDOW_MS = 100
const DEFAULT_LIST_TIMEOUT_MS = 2_000
const DEFAULT_MAX_PENDING_LISTS = 1_000

/**
 * Presence of one gateway over its link to the hub.
 *
 * Connections are counted here; the hub hears of an entity's first and last one. After a loss of the
 * link everything is registered again, marked as known, so that a restarted hub announces nobody
 * twice. A departure in the very moment in which hub and gateway both die is announced by nobody;
 * `list` is right again as soon as the gateways have registered.
 */
export class RemotePresence implements Presence {
  readonly #options: RemotePresenceOptions
  readonly #windowMs: number
  readonly #share = new PresenceShare()
  readonly #watched = new Set<string>()
  readonly #listings = new Map<number, Listing>()
  #nextRef = 1
  #hubId: string | null = null
  #isReady = false
  #arriving: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: RemotePresenceOptions) {
    this.#options = options
    this.#windowMs = options.windowMs ?? DEFAULT_WINDOW_MS
    const { link } = options
    link.handle(FrameKind.PRESENCE_READY, (payload) => {
      const ready: ReadyPayload = JSON.parse(payload.toString())
      this.#ready(ready)
    })
    link.handle(FrameKind.PRESENCE_CHANGED, (payload) => {
      const [channelId, entityId, isPresent, count]: ChangedPayload = JSON.parse(payload.toString())
      if (!this.#watched.has(channelId)) return
      this.#options.onChange({ channelId, entityId, isPresent, count })
    })
    link.handle(FrameKind.PRESENCE_LISTED, (payload) => {
      const [ref, entityIds]: ListedPayload = JSON.parse(payload.toString())
      this.#takeListing(ref)?.resolve(entityIds)
    })
    link.onClose(() => {
      this.#isReady = false
    })
  }

  enter(channelId: string, entityId: string): void {
    if (this.#share.enter(channelId, entityId))
      this.#arriving ??= setImmediate(() => this.#tell('arrivals'))
  }

  leave(channelId: string, entityId: string): void {
    if (this.#share.leave(channelId, entityId))
      this.#timer ??= setTimeout(() => this.#tell('all'), this.#windowMs)
  }

  watch(channelId: string): void {
    if (this.#watched.has(channelId)) return
    this.#watched.add(channelId)
    if (this.#isReady) this.#send(FrameKind.PRESENCE_WATCH, [channelId])
  }

  unwatch(channelId: string): void {
    if (!this.#watched.delete(channelId)) return
    if (this.#isReady) this.#options.link.send(FrameKind.PRESENCE_UNWATCH, channelId)
  }

  list(channelId: string): Promise<readonly string[]> {
    const { listTimeoutMs, maxPendingLists } = this.#options
    return new Promise((resolve, reject) => {
      if (this.#listings.size >= (maxPendingLists ?? DEFAULT_MAX_PENDING_LISTS)) {
        reject(new ChannelError('OVERLOADED'))
        return
      }
      const ref = this.#nextRef
      this.#nextRef += 1
      const timer = setTimeout(
        () => this.#takeListing(ref)?.reject(new ChannelError('WRITER_UNAVAILABLE')),
        listTimeoutMs ?? DEFAULT_LIST_TIMEOUT_MS,
      )
      this.#listings.set(ref, { channelId, resolve, reject, timer })
      // What this gateway knows already stands in the answer.
      this.#tell('all')
      if (this.#isReady) this.#askList(ref, channelId)
    })
  }

  /** Takes back everything that this gateway holds, at once, and rejects what is unanswered. */
  close(): void {
    this.#share.leaveAll()
    this.#tell('all')
    this.#isReady = false
    clearTimeout(this.#timer)
    for (const ref of this.#listings.keys()) {
      this.#takeListing(ref)?.reject(new ChannelError('WRITER_UNAVAILABLE'))
    }
  }

  #ready({ hubId }: ReadyPayload): void {
    this.#isReady = true
    this.#register()
    this.#hubId = hubId
    for (const channels of slices([...this.#watched])) {
      this.#send(FrameKind.PRESENCE_WATCH, channels)
    }
    this.#tell('all')
    for (const [ref, { channelId }] of this.#listings) this.#askList(ref, channelId)
  }

  #register(): void {
    const pieces = slices(this.#share.told())
    for (const [index, pairs] of pieces.entries()) {
      const isLast = index === pieces.length - 1
      this.#send(FrameKind.PRESENCE_REGISTER, { hubId: this.#hubId, pairs, isLast })
    }
    if (pieces.length === 0) {
      this.#send(FrameKind.PRESENCE_REGISTER, { hubId: this.#hubId, pairs: [], isLast: true })
    }
  }

  #tell(which: 'all' | 'arrivals'): void {
    if (this.#arriving !== undefined) clearImmediate(this.#arriving)
    this.#arriving = undefined
    if (which === 'all') {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    // What changes without a link is told with the next one.
    if (!this.#isReady) return
    for (const changes of slices(this.#share.takeChanges(which))) {
      this.#send(FrameKind.PRESENCE_CHANGES, changes)
    }
  }

  #askList(ref: number, channelId: string): void {
    this.#send(FrameKind.PRESENCE_LIST, [ref, channelId])
  }

  #takeListing(ref: number): Listing | undefined {
    const listing = this.#listings.get(ref)
    if (listing === undefined) return undefined
    this.#listings.delete(ref)
    clearTimeout(listing.timer)
    return listing
  }

  #send(
    kind: number,
    payload: ChangesPayload | RegisterPayload | ListPayload | readonly string[] | readonly Pair[],
  ): void {
    this.#options.link.send(kind, JSON.stringify(payload))
  }
}

function slices<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const result: (readonly Item[])[] = []
  for (let start = 0; start < items.length; start += ITEMS_PER_FRAME) {
    result.push(items.slice(start, start + ITEMS_PER_FRAME))
  }
  return result
}
