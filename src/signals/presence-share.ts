import type { ChangesPayload, Pair } from './presence-wire.ts'

interface Held {
  /** Connections that hold the entity in the channel. */
  count: number
  /** Whether the hub was told. */
  isTold: boolean
}

/**
 * What one gateway holds: connections per channel and entity, and what of it the hub was told.
 *
 * Its size is bounded by connections and the channels that each may join.
 */
export class PresenceShare {
  readonly #channels = new Map<string, Map<string, Held>>()
  /** Pairs whose presence may differ from what was told. */
  readonly #dirty = new Map<string, Set<string>>()

  /** Counts one connection; true when there is something to tell. */
  enter(channelId: string, entityId: string): boolean {
    let entities = this.#channels.get(channelId)
    if (entities === undefined) {
      entities = new Map()
      this.#channels.set(channelId, entities)
    }
    const held = entities.get(entityId)
    if (held === undefined) entities.set(entityId, { count: 1, isTold: false })
    else held.count += 1
    return (held?.count ?? 1) === 1 && this.#mark(channelId, entityId)
  }

  /** Takes one connection back; true when there is something to tell. One too many changes nothing. */
  leave(channelId: string, entityId: string): boolean {
    const held = this.#channels.get(channelId)?.get(entityId)
    if (held === undefined || held.count === 0) return false
    held.count -= 1
    return held.count === 0 && this.#mark(channelId, entityId)
  }

  leaveAll(): void {
    for (const [channelId, entities] of this.#channels) {
      for (const [entityId, held] of entities) {
        held.count = 0
        this.#mark(channelId, entityId)
      }
    }
  }

  /** What the hub was told is present. */
  told(): readonly Pair[] {
    const pairs: Pair[] = []
    for (const [channelId, entities] of this.#channels) {
      for (const [entityId, { isTold }] of entities) if (isTold) pairs.push([channelId, entityId])
    }
    return pairs
  }

  /** What differs from what was told, or only who came; from now on it counts as told. */
  takeChanges(which: 'all' | 'arrivals'): ChangesPayload {
    const changes: [string, string, boolean][] = []
    for (const [channelId, entityIds] of this.#dirty) {
      for (const entityId of entityIds) {
        if (which === 'arrivals' && !this.#isHere(channelId, entityId)) continue
        entityIds.delete(entityId)
        const isPresent = this.#take(channelId, entityId)
        if (isPresent !== undefined) changes.push([channelId, entityId, isPresent])
      }
      if (entityIds.size === 0) this.#dirty.delete(channelId)
    }
    return changes
  }

  #isHere(channelId: string, entityId: string): boolean {
    return (this.#channels.get(channelId)?.get(entityId)?.count ?? 0) > 0
  }

  #take(channelId: string, entityId: string): boolean | undefined {
    const entities = this.#channels.get(channelId)
    const held = entities?.get(entityId)
    if (entities === undefined || held === undefined) return undefined
    const isPresent = held.count > 0
    const hasChanged = held.isTold !== isPresent
    held.isTold = isPresent
    if (!isPresent) entities.delete(entityId)
    if (entities.size === 0) this.#channels.delete(channelId)
    return hasChanged ? isPresent : undefined
  }

  #mark(channelId: string, entityId: string): true {
    const known = this.#dirty.get(channelId)
    if (known === undefined) this.#dirty.set(channelId, new Set([entityId]))
    else known.add(entityId)
    return true
  }
}
