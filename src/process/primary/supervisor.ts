import type { Logger } from '../../telemetry/logger.ts'
import { reasonOf } from '../error-facts.ts'
import type { ManagedChild } from './managed-child.ts'
import type { ChildRole } from '../roles.ts'
import { Slot } from './slot.ts'

/** What a process gets after its drain time, before it is killed: to close, and for a writer to checkpoint. */
const CLOSING_GRACE_MS = { writer: 10_000, gateway: 2_000, 'agent-host': 2_000 } as const

export interface SupervisorOptions {
  /** How many processes of each role; started in this order, each role when the one before is ready. */
  readonly counts: Readonly<Record<ChildRole, number>>
  readonly spawn: (role: ChildRole) => ManagedChild
  readonly drainMs: number
  readonly logger: Logger
  /** Called when a process was started or has ended, with all that live. */
  readonly onChange: (children: readonly ManagedChild[]) => void
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

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { counts, logger } = options
    this.#slots = (['writer', 'gateway', 'agent-host'] as const).flatMap((role) =>
      Array.from(
        { length: counts[role] },
        () =>
          new Slot({
            role,
            spawn: () => this.#spawn(role),
            drain: (child) => this.#drain(child),
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

  /** Replaces gateways and agent hosts one by one. A call while one runs joins it. */
  reload(): Promise<void> {
    this.#reload ??= this.#replaceAll().finally(() => {
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
          // One of several may be unlucky; a role of which none ever served will not do better next time.
          if (this.#isStopping) return
          if (!hasServed) throw new StartError(`${role}: ${reasonOf(error)}`)
          await slot.keepTrying()
        }
      }),
    )
  }

  #spawn(role: ChildRole): ManagedChild {
    const child = this.#options.spawn(role)
    this.#children.add(child)
    void this.#forgetAtEnd(child)
    this.#options.onChange(this.children)
    return child
  }

  async #forgetAtEnd(child: ManagedChild): Promise<void> {
    await child.exited
    this.#children.delete(child)
    this.#options.onChange(this.children)
  }

  async #drain(child: ManagedChild): Promise<void> {
    if (!child.isReady) child.kill('was not needed any more')
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
    await Promise.all(children.map((child) => this.#drain(child)))
  }

  async #replaceAll(): Promise<void> {
    const { logger } = this.#options
    logger.info('replacing gateways and agent hosts')
    for (const slot of this.#slots) {
      if (this.#isStopping) return
      if (slot.role === 'writer') continue
      try {
        await slot.replace()
      } catch (error) {
        // The stop ended the replacement, as it ends all.
        if (this.#isStopping) return
        const reason = reasonOf(error)
        logger.error({ childRole: slot.role, reason }, 'replacement did not start, the old stays')
        return
      }
    }
    logger.info('gateways and agent hosts replaced')
  }

  async #abort(): Promise<void> {
    this.#isStopping = true
    for (const slot of this.#slots) slot.retire()
    const children = this.children
    for (const child of children) child.kill('the start was given up')
    await Promise.all(children.map((child) => child.exited))
  }
}
