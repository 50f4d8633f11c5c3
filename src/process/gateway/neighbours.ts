import type { Peer } from '../messages.ts'

/** The other gateways, and whether this one stays among them. */
export class Neighbours {
  readonly #ownId: string
  #peers: ReadonlyMap<string, Peer> = new Map()
  #isLeaving = false

  constructor(ownId: string) {
    this.#ownId = ownId
  }

  /** True once this gateway lets its sessions go: new ones, which kept-alive connections still bring, are for others. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** Replaces the table; ids are looked up in it and never become paths. */
  set(peers: readonly Peer[]): void {
    const others = peers.filter(({ id }) => id !== this.#ownId)
    this.#peers = new Map(others.map((peer) => [peer.id, peer]))
  }

  find(id: string): Peer | undefined {
    return this.#peers.get(id)
  }

  leave(): void {
    this.#isLeaving = true
  }

  /** Whether sessions on other gateways may still be reached by way of this one. */
  haveSessions(): boolean {
    return [...this.#peers.values()].some(({ mayHaveSessions }) => mayHaveSessions)
  }

  /** Any other gateway that takes new sessions; undefined when there is none, as in a stop. */
  successor(): Peer | undefined {
    const takers = [...this.#peers.values()].filter(({ takesSessions }) => takesSessions)
    return takers[Math.floor(Math.random() * takers.length)]
  }
}
