import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../telemetry/logger.ts'
import { Backoff } from './backoff.ts'
import { reasonOf } from '../error-facts.ts'
import type { ManagedChild } from './managed-child.ts'
import type { ChildRole } from '../roles.ts'

export interface SlotOptions {
  readonly role: ChildRole
  readonly spawn: () => ManagedChild
  readonly logger: Logger
}

/**
 * Keeps one process of a role alive. What ends is started again after a back-off, for ever, until
 * `retire`. At most one process of a slot is meant to live; after `replace` the old one is its caller's,
 * to let it finish while the new one serves already.
 */
export class Slot {
  readonly role: ChildRole
  readonly #options: SlotOptions
  readonly #backoff = new Backoff()
  #child: ManagedChild | undefined
  #isRetired = false
  #isReplacing = false

  constructor(options: SlotOptions) {
    this.role = options.role
    this.#options = options
  }

  /** The process that serves or starts; undefined between two. */
  get child(): ManagedChild | undefined {
    return this.#child?.hasExited ? undefined : this.#child
  }

  get isReady(): boolean {
    return this.#child?.isReady ?? false
  }

  /** Starts the first process. Rejects with the reason when it does not get ready; then call `keepTrying` or give up. */
  async start(): Promise<void> {
    const child = this.#options.spawn()
    this.#child = child
    await child.ready
    void this.#watch(child)
  }

  /** Starts processes, with growing pauses, until one is ready. */
  async keepTrying(): Promise<void> {
    while (!this.#isRetired) {
      const delayMs = this.#backoff.nextDelayMs(this.#child?.healthyMs ?? 0)
      await delay(delayMs)
      if (this.#isRetired) return
      try {
        await this.start()
        return
      } catch (error) {
        const reason = reasonOf(error)
        this.#options.logger.error({ childRole: this.role, reason }, 'process did not start')
      }
    }
  }

  /**
   * Starts another process and resolves, when that is ready, with the old one, which nobody restarts
   * from then on. Rejects, with the old one still serving, when the new one does not get ready. While
   * the slot has nothing that serves, the restart that is under way is replacement enough.
   */
  async replace(): Promise<ManagedChild | undefined> {
    const old = this.#child
    if (!old?.isReady || this.#isRetired) return undefined
    this.#isReplacing = true
    try {
      const next = this.#options.spawn()
      await next.ready
      this.#child = next
      void this.#watch(next)
    } finally {
      this.#isReplacing = false
      if (this.#child === old && old.hasExited) void this.keepTrying()
    }
    return old
  }

  /** Starts nothing any more. */
  retire(): void {
    this.#isRetired = true
  }

  async #watch(child: ManagedChild): Promise<void> {
    const exit = await child.exited
    if (this.#isRetired || this.#isReplacing || this.#child !== child) return
    const { role, pid } = child
    const isOutOfMemory = role === 'agent-host' && exit.signal === 'SIGABRT'
    const facts = {
      childRole: role,
      childPid: pid,
      ...exit,
      ...(isOutOfMemory && { hint: 'did it run out of memory? PARLEY_AGENT_HEAP_MB bounds it' }),
    }
    this.#options.logger.error(facts, 'process ended, restarting it')
    await this.keepTrying()
  }
}
