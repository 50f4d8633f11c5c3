import { isAlive } from '../cluster/support/server.ts'
import type { Keeper } from './keeper.ts'
import { peakMemoryBytes } from './processes.ts'
import { ROLES } from './steps.ts'
import type { Role } from './steps.ts'

const LOOK_EVERY_MS = 500

/** Sees every process of the server that lives for a while, and how much memory it took. */
export class Census {
  readonly #keeper: Keeper
  readonly #timer: NodeJS.Timeout
  readonly #seen = new Map<number, Role>()
  readonly #peakBytes = new Map<Role, number>()

  constructor(keeper: Keeper) {
    this.#keeper = keeper
    this.#timer = setInterval(() => {
      this.#look()
    }, LOOK_EVERY_MS)
  }

  /** The most that any process of the role had, in bytes. */
  peakBytes(role: Role): number {
    return this.#peakBytes.get(role) ?? 0
  }

  /** Processes that were there and have not ended. */
  alive(): { readonly pid: number; readonly role: Role }[] {
    return [...this.#seen].flatMap(([pid, role]) => (isAlive(pid) ? [{ pid, role }] : []))
  }

  countOf(role: Role): number {
    return [...this.#seen.values()].filter((one) => one === role).length
  }

  /** What is known of memory, role by role. */
  peaks(): Readonly<Record<Role, number>> {
    const entries = ROLES.map((role) => [role, this.peakBytes(role)] as const)
    return Object.fromEntries(entries) as Record<Role, number>
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { life, children } = this.#keeper
    const primary = life === undefined ? [] : [{ pid: life.process.pid, role: 'primary' as const }]
    for (const { pid, role } of [...primary, ...children]) {
      this.#seen.set(pid, role)
      this.#peakBytes.set(role, Math.max(this.peakBytes(role), peakMemoryBytes(pid)))
    }
  }
}
