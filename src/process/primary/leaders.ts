import type { ManagedChild } from './managed-child.ts'

/**
 * Tells each agent host when it leads its slot: when it serves, and no other process that was told so for
 * the same slot lives. So two never do what only one may, also while a reload replaces one by the other.
 */
export class Leaders {
  readonly #leading = new Map<number, ManagedChild>()

  /** Called with all that live whenever one has come, is to go, or has ended. */
  look(children: readonly ManagedChild[]): void {
    for (const [slot, child] of this.#leading) if (child.hasExited) this.#leading.delete(slot)
    for (const child of children) {
      if (child.role !== 'agent-host' || !child.isStaying || this.#leading.has(child.slot)) continue
      this.#leading.set(child.slot, child)
      child.send({ parley: 'lead' })
    }
  }
}
