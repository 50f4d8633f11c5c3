import { FrameKind } from '../ipc/frame-kinds.ts'
import { encodeFrame } from '../ipc/frames.ts'
import type { FramedLink } from '../ipc/link.ts'
import type {
  AcquiredPayload,
  AcquirePayload,
  Held,
  HeldPayload,
  HoldingPayload,
  UsedPayload,
} from './quota-wire.ts'
import { RateLedger } from './rate-ledger.ts'

/** What one gateway holds, by key. */
type Share = Map<string, number>

/** One link of a gateway. */
interface Peer {
  readonly link: FramedLink
  readonly share: Share
  /** What a registration in pieces has brought so far. */
  registering: Held[]
}

/**
 * Counts what keys use and hold over all gateways, in the one process that all of them are linked to.
 *
 * A gateway's share is dropped as soon as its link ends: kept for a while, the connections of a killed
 * gateway would stand in the way of the same clients when they come back elsewhere. A gateway that only
 * lost its link tells again what it holds, as it does after a restart of this process; in between more
 * may be held than the limit says, and nobody else is let in until it is less. What keys have used is
 * forgotten in a restart; each gateway still holds them to the limit by itself.
 *
 * What a gateway holds is bounded by its connections, what keys use by the ledger.
 */
export class QuotaHub {
  readonly #ledger: RateLedger
  readonly #peers = new Set<Peer>()
  /** Over all shares. */
  readonly #totals = new Map<string, number>()

  constructor(ledger: RateLedger = new RateLedger()) {
    this.#ledger = ledger
  }

  /** Puts the quotas' handlers on a new link, before it starts. Nothing is sent to a link that did not register. */
  serve(link: FramedLink): void {
    const peer: Peer = { link, share: new Map(), registering: [] }
    link.handle(FrameKind.QUOTA_HOLDING, (payload) => {
      const piece: HoldingPayload = JSON.parse(payload.toString())
      this.#register(peer, piece)
    })
    link.handle(FrameKind.QUOTA_HELD, (payload) => {
      const held: HeldPayload = JSON.parse(payload.toString())
      for (const [key, count] of held) this.#set(peer.share, key, count)
    })
    link.handle(FrameKind.QUOTA_ACQUIRE, (payload) => {
      const [ref, wanted]: AcquirePayload = JSON.parse(payload.toString())
      const answer: AcquiredPayload = [ref, this.#acquire(peer.share, wanted)]
      link.send(FrameKind.QUOTA_ACQUIRED, JSON.stringify(answer))
    })
    link.handle(FrameKind.QUOTA_USED, (payload) => {
      const uses: UsedPayload = JSON.parse(payload.toString())
      this.#used(uses)
    })
    link.onClose(() => {
      this.#peers.delete(peer)
      for (const key of peer.share.keys()) this.#set(peer.share, key, 0)
    })
  }

  #register(peer: Peer, { held, isLast }: HoldingPayload): void {
    this.#peers.add(peer)
    peer.registering.push(...held)
    if (!isLast) return
    const registered = new Map(peer.registering)
    peer.registering = []
    for (const key of peer.share.keys()) {
      if (!registered.has(key)) this.#set(peer.share, key, 0)
    }
    for (const [key, count] of registered) this.#set(peer.share, key, count)
  }

  /** The place of the first key without room; -1 when each has one more now. */
  #acquire(share: Share, wanted: AcquirePayload[1]): number {
    const refusedIndex = wanted.findIndex(([key, max]) => (this.#totals.get(key) ?? 0) >= max)
    if (refusedIndex >= 0) return refusedIndex
    for (const [key] of wanted) this.#set(share, key, (share.get(key) ?? 0) + 1)
    return -1
  }

  #set(share: Share, key: string, count: number): void {
    const total = (this.#totals.get(key) ?? 0) - (share.get(key) ?? 0) + count
    if (count === 0) share.delete(key)
    else share.set(key, count)
    if (total === 0) this.#totals.delete(key)
    else this.#totals.set(key, total)
  }

  #used(uses: UsedPayload): void {
    const blocks = this.#ledger.add(uses)
    if (blocks.length === 0) return
    const frame = encodeFrame(FrameKind.QUOTA_BLOCKED, JSON.stringify(blocks))
    for (const { link } of this.#peers) link.sendFrame(frame)
  }
}
