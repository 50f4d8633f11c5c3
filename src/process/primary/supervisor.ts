import type { Logger } from '../../telemetry/logger.ts'
import { reasonOf } from '../error-facts.ts'
import type { ManagedChild } from './managed-child.ts'
import type { ChildRole } from '../roles.ts'
import { Slot } from './slot.ts'

/** What a reload replaces: everything but the writer, or only what runs workers. */
export type ReloadScope = 'all' | 'agent-hosts'

/**
 * What a process gets after its drain time, before it is killed: to close, for a writer to checkpoint, and for an agent
 * host to give up handlers that do not stop and to store how far it came, each of which has a time of its own there.
 */
const CLOSING_GRACE_MS = { writer: 10_000, gateway: 2_000, 'agent-host': 10_000 } as const

export interface SupervisorOptions {
  /** How many processes of each role; started in this order, each role when the one before is ready. */
  readonly counts: Readonly<Record<ChildRole, number>>
  /** `slot`: which of the role it is, from 0. */
  readonly spawn: (role: ChildRole, slot: number) => ManagedChild
  readonly drainMs: number
  readonly logger: Logger
  /** Called when a process was started, is to finish, or has ended, with all that live. */
  readonly onChange: (children: readonly ManagedChild[]) => void
}

/** Tries to replace one agent host: each passes over one more module that ended or blocked the one before. */
const MAX_HOST_TRIES = 5

async function replaceSlot(slot: Slot): Promise<ManagedChild | undefined> {
  for (let tries = 1; slot.role === 'agent-host' && tries < MAX_HOST_TRIES; tries += 1) {
    // What failed is logged by whoever spawned it, and tried again.
    const replaced = await slot.replace().catch(() => 'failed' as const)
    if (replaced !== 'failed') return replaced
  }
  return slot.replace()
}

/** A start that cannot succeed; the message names the role and its reason. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Owns all child processes: starts them in order, keeps them alive, replaces and stops them. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #children = new Set<ManagedChild>()
  readonly #slots: readonly Slot[]
  #isStopping = false
  #reload: Promise<void> | undefined
  #wanted: ReloadScope | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { counts, logger } = options
    this.#slots = (['writer', 'gateway', 'agent-host'] as const).flatMap((role) =>
      Array.from(
        { length: counts[role] },
        (_, slot) =>
          new Slot({
            role,
            spawn: () => this.#spawn(role, slot),
            logger,
          }),
      ),
    )
  }

  /** Every process that lives, those that finish included. */
  get children(): readonly ManagedChild[] {
    return [...this.#children]
  }

  get slots(): readonly Slot[] {
    return this.#slots
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Resolves when every role serves, or when a stop came first. @throws StartError when a role cannot; then everything has been ended. */
  async start(): Promise<void> {
    try {
      for (const role of ['writer', 'gateway', 'agent-host'] as const) {
        if (!this.#isStopping) await this.#startRole(role)
      }
    } catch (error) {
      await this.#abort()
      throw error
    }
  }

  /**
   * Replaces gateways and agent hosts, or agent hosts alone. Calls while it runs are answered by one more
   * run behind it: what started before such a call may have loaded an older program.
   */
  reload(scope: ReloadScope = 'all'): Promise<void> {
    this.#wanted = this.#wanted === 'all' ? 'all' : scope
    this.#reload ??= this.#replaceWhileWanted().finally(() => {
      this.#reload = undefined
    })
    return this.#reload
  }

  /** Lets all finish, the writer last, so that what is under way still reaches the disk. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const slot of this.#slots) if (slot.role !== 'writer') slot.retire()
    await this.#stopAll((role) => role !== 'writer')
    for (const slot of this.#slots) slot.retire()
    await this.#stopAll(() => true)
  }

  async #startRole(role: ChildRole): Promise<void> {
    const slots = this.#slots.filter((slot) => slot.role === role)
    let hasServed = false
    await Promise.all(
      slots.map(async (slot) => {
        try {
          await slot.start()
          hasServed = true
        } catch (error) {
          if (this.#isStopping) return
          // What an agent host fails by is what it runs: that ends nobody's start, and may be mended by copying a file.
          if (role === 'agent-host') {
            this.#retryLater(slot, error)
            return
          }
          // One of several may be unlucky; a role of which none ever served will not do better next time.
          if (!hasServed) throw new StartError(`${role}: ${reasonOf(error)}`)
          await slot.keepTrying()
        }
      }),
    )
  }

  #retryLater(slot: Slot, error: unknown): void {
    const { role } = slot
    this.#options.logger.error(
      { childRole: role, reason: reasonOf(error) },
      'process did not start',
    )
    void slot.keepTrying()
  }

  #spawn(role: ChildRole, slot: number): ManagedChild {
    const child = this.#options.spawn(role, slot)
    this.#children.add(child)
    void this.#forgetAtEnd(child)
    this.#options.onChange(this.children)
    return child
  }

  async #forgetAtEnd(child: ManagedChild): Promise<void> {
    const exit = await child.exited
    const { role, pid } = child
    this.#options.logger.debug({ childRole: role, childPid: pid, ...exit }, 'process ended')
    this.#children.delete(child)
    this.#options.onChange(this.children)
  }

  async #drain(child: ManagedChild): Promise<void> {
    if (!child.isReady) child.kill('was not needed any more')
    child.leave()
    this.#options.onChange(this.children)
    child.send({ parley: 'drain' })
    const timer = setTimeout(() => {
      const { role, pid } = child
      this.#options.logger.error(
        { childRole: role, childPid: pid },
        'process did not finish, killing it',
      )
      child.kill('did not finish in time')
    }, this.#options.drainMs + CLOSING_GRACE_MS[child.role])
    await child.exited
    clearTimeout(timer)
  }

  async #stopAll(isConcerned: (role: ChildRole) => boolean): Promise<void> {
    const children = this.children.filter(({ role }) => isConcerned(role))
    // All at once, so that none is told to send its clients to another one that leaves as well.
    for (const child of children) child.leave()
    await Promise.all(children.map((child) => this.#drain(child)))
  }

  async #replaceWhileWanted(): Promise<void> {
    while (this.#wanted !== undefined && !this.#isStopping) {
      const scope = this.#wanted
      this.#wanted = undefined
      await this.#replaceAll(scope)
    }
  }

  /**
   * Gateways first: their replacements start one by one, and when all of them listen the old ones
   * finish together. So every client changes its gateway once, within one drain time, and not from
   * one that leaves to the next that will. Agent hosts are replaced one after the other.
   */
  async #replaceAll(scope: ReloadScope): Promise<void> {
    const { logger } = this.#options
    const what = scope === 'all' ? 'gateways and agent hosts' : 'agent hosts'
    logger.info(`replacing ${what}`)
    const gateways = this.#slots.filter(({ role }) => scope === 'all' && role === 'gateway')
    const hosts = this.#slots.filter(({ role }) => role === 'agent-host')
    for (const group of [gateways, ...hosts.map((host) => [host])]) {
      const isDone = await this.#replaceGroup(group)
      if (!isDone || this.#isStopping) return
    }
    logger.info(`${what} replaced`)
  }

  /** Resolves when the old ones have ended; with false when a replacement failed: that old one stays, and those behind it. */
  async #replaceGroup(slots: readonly Slot[]): Promise<boolean> {
    const replaced: ManagedChild[] = []
    let isDone = true
    for (const slot of slots) {
      try {
        const old = await replaceSlot(slot)
        if (old !== undefined) replaced.push(old)
      } catch (error) {
        isDone = false
        this.#reportFailure(slot, error)
      }
      if (!isDone || this.#isStopping) break
    }
    await Promise.all(replaced.map((old) => this.#drain(old)))
    return isDone
  }

  #reportFailure({ role }: Slot, error: unknown): void {
    // The stop ended the replacement, as it ends all.
    if (this.#isStopping) return
    const reason = reasonOf(error)
    this.#options.logger.error(
      { childRole: role, reason },
      'replacement did not start, the old stays',
    )
  }

  async #abort(): Promise<void> {
    this.#isStopping = true
    for (const slot of this.#slots) slot.retire()
    const children = this.children
    for (const child of children) child.kill('the start was given up')
    await Promise.all(children.map((child) => child.exited))
  }
}
