import { FrameKind } from '../ipc/frame-kinds.ts'
import { encodeFrame } from '../ipc/frames.ts'
import type { FramedLink } from '../ipc/link.ts'
import { newId } from '../util/new-id.ts'
import type {
  ChangedPayload,
  ChangesPayload,
  ChannelsPayload,
  ListedPayload,
  ListPayload,
  Pair,
  ReadyPayload,
  RegisterPayload,
} from './presence-wire.ts'

export interface PresenceHubOptions {
  /**
   * How long the share of a lost link is kept, in ms: a peer that is back in time disturbs nobody.
   * More: rides out longer cuts; those of a killed gateway are shown for longer.
   */
  readonly graceMs?: number
  /**
   * Most entities present in a channel whose comings and goings are announced one by one. In a larger
   * one nobody hears of single changes: a thousand clients that reconnect would cause a million events.
   */
  readonly maxAnnounced?: number
}

/** One gateway: by peer id, so that it outlives a link. */
interface Peer {
  readonly id: string
  link: FramedLink | undefined
  readonly shares: Map<string, Set<string>>
  readonly watched: Set<string>
  /** What a registration in pieces has brought so far. */
  registering: Pair[]
  timer: NodeJS.Timeout | undefined
}

const DEFAULT_GRACE_MS = 1_000
const DEFAULT_MAX_ANNOUNCED = 200

/**
 * Counts who is where over all gateways, in the one process that all of them are linked to.
 *
 * An entity is announced when the first gateway reports it in a channel and when the last one takes
 * it back, to the links that watch the channel. What a gateway reports is bounded by what its
 * connections may join. Nothing is stored: after a restart the gateways register again, silently.
 */
export class PresenceHub {
  readonly #id = newId()
  readonly #graceMs: number
  readonly #maxAnnounced: number
  readonly #peers = new Map<string, Peer>()
  /** Per channel, entities in the order in which they became present, with the number of peers. */
  readonly #present = new Map<string, Map<string, number>>()
  readonly #watchers = new Map<string, Set<Peer>>()

  constructor(options: PresenceHubOptions = {}) {
    this.#graceMs = options.graceMs ?? DEFAULT_GRACE_MS
    this.#maxAnnounced = options.maxAnnounced ?? DEFAULT_MAX_ANNOUNCED
  }

  /** Puts presence's handlers on a new link, before it starts. */
  serve(link: FramedLink): void {
    const peer = this.#peer(link)
    link.handle(FrameKind.PRESENCE_REGISTER, (payload) => {
      const piece: RegisterPayload = JSON.parse(payload.toString())
      this.#register(peer, piece)
    })
    link.handle(FrameKind.PRESENCE_CHANGES, (payload) => {
      const changes: ChangesPayload = JSON.parse(payload.toString())
      for (const [channelId, entityId, isPresent] of changes) {
        if (isPresent) this.#add(peer, [channelId, entityId], true)
        else this.#remove(peer, [channelId, entityId])
      }
    })
    link.handle(FrameKind.PRESENCE_WATCH, (payload) => {
      const channels: ChannelsPayload = JSON.parse(payload.toString())
      for (const channelId of channels) this.#watch(peer, channelId)
    })
    link.handle(FrameKind.PRESENCE_UNWATCH, (payload) => this.#unwatch(peer, payload.toString()))
    link.handle(FrameKind.PRESENCE_LIST, (payload) => {
      const [ref, channelId]: ListPayload = JSON.parse(payload.toString())
      const answer: ListedPayload = [ref, [...(this.#present.get(channelId)?.keys() ?? [])]]
      link.send(FrameKind.PRESENCE_LISTED, JSON.stringify(answer))
    })
    link.onClose(() => this.#lost(peer, link))
    const ready: ReadyPayload = { hubId: this.#id }
    link.send(FrameKind.PRESENCE_READY, JSON.stringify(ready))
  }

  /** Forgets everybody, announcing nothing. */
  close(): void {
    for (const { timer } of this.#peers.values()) clearTimeout(timer)
    this.#peers.clear()
    this.#present.clear()
    this.#watchers.clear()
  }

  #peer(link: FramedLink): Peer {
    const known = this.#peers.get(link.peer.id)
    if (known !== undefined) {
      clearTimeout(known.timer)
      known.link = link
      known.registering = []
      return known
    }
    const peer: Peer = {
      id: link.peer.id,
      link,
      shares: new Map(),
      watched: new Set(),
      registering: [],
      timer: undefined,
    }
    this.#peers.set(peer.id, peer)
    return peer
  }

  /** The difference to what is known of the peer is what happened while it was away. */
  #register(peer: Peer, { hubId, pairs, isLast }: RegisterPayload): void {
    peer.registering.push(...pairs)
    if (!isLast) return
    const registered = new Map<string, Set<string>>()
    for (const [channelId, entityId] of peer.registering) {
      bucket(registered, channelId, () => new Set()).add(entityId)
    }
    peer.registering = []
    for (const [channelId, entities] of registered) {
      for (const entityId of entities) this.#add(peer, [channelId, entityId], hubId === this.#id)
    }
    for (const pair of pairsOf(peer.shares)) {
      if (registered.get(pair[0])?.has(pair[1]) !== true) this.#remove(peer, pair)
    }
  }

  #add(peer: Peer, [channelId, entityId]: Pair, isAnnounced: boolean): void {
    const share = bucket(peer.shares, channelId, () => new Set())
    if (share.has(entityId)) return
    share.add(entityId)
    const present = bucket(this.#present, channelId, () => new Map<string, number>())
    const count = present.get(entityId) ?? 0
    present.set(entityId, count + 1)
    if (count === 0 && isAnnounced) this.#announce([channelId, entityId, true, present.size])
  }

  #remove(peer: Peer, [channelId, entityId]: Pair): void {
    const share = peer.shares.get(channelId)
    if (share?.delete(entityId) !== true) return
    if (share.size === 0) peer.shares.delete(channelId)
    const present = bucket(this.#present, channelId, () => new Map<string, number>())
    const count = (present.get(entityId) ?? 0) - 1
    if (count > 0) {
      present.set(entityId, count)
      return
    }
    present.delete(entityId)
    if (present.size === 0) this.#present.delete(channelId)
    this.#announce([channelId, entityId, false, present.size])
  }

  #announce(change: ChangedPayload): void {
    const [channelId, , , count] = change
    const watchers = this.#watchers.get(channelId)
    if (watchers === undefined || count > this.#maxAnnounced) return
    const frame = encodeFrame(FrameKind.PRESENCE_CHANGED, JSON.stringify(change))
    for (const { link } of watchers) link?.sendFrame(frame)
  }

  #watch(peer: Peer, channelId: string): void {
    peer.watched.add(channelId)
    bucket(this.#watchers, channelId, () => new Set<Peer>()).add(peer)
  }

  #unwatch(peer: Peer, channelId: string): void {
    peer.watched.delete(channelId)
    const watchers = this.#watchers.get(channelId)
    watchers?.delete(peer)
    if (watchers?.size === 0) this.#watchers.delete(channelId)
  }

  #lost(peer: Peer, link: FramedLink): void {
    if (peer.link !== link) return
    peer.link = undefined
    for (const channelId of peer.watched) this.#unwatch(peer, channelId)
    peer.timer = setTimeout(() => this.#forget(peer), this.#graceMs)
    peer.timer.unref()
  }

  #forget(peer: Peer): void {
    this.#peers.delete(peer.id)
    for (const pair of pairsOf(peer.shares)) this.#remove(peer, pair)
  }
}

function pairsOf(shares: ReadonlyMap<string, ReadonlySet<string>>): readonly Pair[] {
  const pairs: Pair[] = []
  for (const [channelId, entities] of shares) {
    for (const entityId of entities) pairs.push([channelId, entityId])
  }
  return pairs
}

function bucket<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const value = create()
  map.set(key, value)
  return value
}
