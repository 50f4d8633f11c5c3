import { FrameKind } from '../ipc/frame-kinds.ts'
import type { ReconnectingLink } from '../ipc/reconnecting-link.ts'
import { HeldQuotas } from './held-quotas.ts'
import { QUOTAS_PER_FRAME } from './quota-wire.ts'
import type { AcquiredPayload, AcquirePayload, BlockedPayload, Use } from './quota-wire.ts'
import { RateWindows } from './rate-windows.ts'
import type { Hold, Quotas, Wanted } from './signals.ts'

export interface RemoteQuotasOptions {
  /** The link to the hub's process, not started yet. */
  readonly link: ReconnectingLink
  /** Milliseconds of a clock that all gateways share. */
  readonly nowMs: () => number
  /** Longest wait for the hub's word on one more, in ms; past it this gateway decides alone. */
  readonly holdTimeoutMs?: number
  /** Most questions that wait for the hub at a time; past it this gateway decides alone. */
  readonly maxPendingHolds?: number
}

interface Asking {
  readonly wanted: readonly Wanted[]
  readonly resolve: (refused: Wanted | undefined) => void
  readonly timer: NodeJS.Timeout
}

const DEFAULT_HOLD_TIMEOUT_MS = 1_000
const DEFAULT_MAX_PENDING_HOLDS = 10_000

/**
 * Quotas of one gateway over its link to the hub.
 *
 * Uses are decided here and reported in chunks, those of one turn of the event loop in one frame. What is
 * held is asked for one by one and told in whole numbers, which replace what the hub thought before: an
 * answer that was lost or came too late corrects itself.
 */
export class RemoteQuotas implements Quotas {
  readonly #options: RemoteQuotasOptions
  readonly #rates: RateWindows
  readonly #held = new HeldQuotas()
  readonly #asking = new Map<number, Asking>()
  #uses: Use[] = []
  #nextRef = 1
  #telling: NodeJS.Immediate | undefined

  constructor(options: RemoteQuotasOptions) {
    this.#options = options
    const { link, nowMs } = options
    this.#rates = new RateWindows({
      nowMs,
      report: (use) => {
        if (!link.isOpen) return
        this.#uses.push(use)
        this.#tellSoon()
      },
    })
    link.handle(FrameKind.QUOTA_BLOCKED, (payload) => {
      const blocks: BlockedPayload = JSON.parse(payload.toString())
      for (const block of blocks) this.#rates.block(block)
    })
    link.handle(FrameKind.QUOTA_ACQUIRED, (payload) => {
      const [ref, refusedIndex]: AcquiredPayload = JSON.parse(payload.toString())
      this.#answered(ref, refusedIndex)
    })
    link.onOpen(() => this.#register())
    link.onClose(() => this.#decideAlone())
  }

  take(key: string, perSecond: number): number {
    return this.#rates.take(key, perSecond)
  }

  async hold(wanted: readonly Wanted[]): Promise<Hold> {
    // What was given back stands before the question, which is counted by the hub itself.
    if (this.#telling !== undefined) this.#tell()
    const refused = this.#held.add(wanted) ?? (await this.#ask(wanted))
    let isHeld = refused === undefined
    return {
      refused,
      release: () => {
        if (!isHeld) return
        isHeld = false
        this.#held.remove(wanted)
        this.#tellSoon()
      },
    }
  }

  /** Answers everybody who waits; nothing is told any more. */
  close(): void {
    clearImmediate(this.#telling)
    this.#telling = undefined
    this.#decideAlone()
  }

  #ask(wanted: readonly Wanted[]): Promise<Wanted | undefined> {
    const { link, holdTimeoutMs, maxPendingHolds } = this.#options
    const isAnswerable =
      wanted.length > 0 &&
      link.isOpen &&
      this.#asking.size < (maxPendingHolds ?? DEFAULT_MAX_PENDING_HOLDS)
    if (!isAnswerable) {
      this.#held.doubt(wanted)
      this.#tellSoon()
      return Promise.resolve(undefined)
    }
    return new Promise((resolve) => {
      const ref = this.#nextRef
      this.#nextRef += 1
      const timer = setTimeout(() => {
        this.#takeAsking(ref)?.resolve(undefined)
        this.#held.doubt(wanted)
        this.#tellSoon()
      }, holdTimeoutMs ?? DEFAULT_HOLD_TIMEOUT_MS)
      this.#asking.set(ref, { wanted, resolve, timer })
      const question: AcquirePayload = [ref, wanted.map(({ key, max }) => [key, max])]
      link.send(FrameKind.QUOTA_ACQUIRE, JSON.stringify(question))
    })
  }

  #answered(ref: number, refusedIndex: number): void {
    const asking = this.#takeAsking(ref)
    if (asking === undefined) return
    const refused = asking.wanted[refusedIndex]
    if (refused !== undefined) {
      this.#held.remove(asking.wanted)
      this.#tellSoon()
    }
    asking.resolve(refused)
  }

  /** The hub is away: whoever waits for it is let in, and stands in the next registration. */
  #decideAlone(): void {
    this.#uses = []
    for (const ref of this.#asking.keys()) this.#takeAsking(ref)?.resolve(undefined)
  }

  #takeAsking(ref: number): Asking | undefined {
    const asking = this.#asking.get(ref)
    if (asking === undefined) return undefined
    this.#asking.delete(ref)
    clearTimeout(asking.timer)
    return asking
  }

  #register(): void {
    const pieces = slices(this.#held.all())
    for (const [index, held] of pieces.entries()) {
      this.#send(FrameKind.QUOTA_HOLDING, { held, isLast: index === pieces.length - 1 })
    }
    if (pieces.length === 0) this.#send(FrameKind.QUOTA_HOLDING, { held: [], isLast: true })
  }

  #tellSoon(): void {
    this.#telling ??= setImmediate(() => this.#tell())
  }

  #tell(): void {
    clearImmediate(this.#telling)
    this.#telling = undefined
    // What changes without a link is told with the next one.
    if (!this.#options.link.isOpen) return
    for (const held of slices(this.#held.takeChanges())) this.#send(FrameKind.QUOTA_HELD, held)
    for (const uses of slices(this.#uses)) this.#send(FrameKind.QUOTA_USED, uses)
    this.#uses = []
  }

  #send(kind: number, payload: object): void {
    this.#options.link.send(kind, JSON.stringify(payload))
  }
}

function slices<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const result: (readonly Item[])[] = []
  for (let start = 0; start < items.length; start += QUOTAS_PER_FRAME) {
    result.push(items.slice(start, start + QUOTAS_PER_FRAME))
  }
  return result
}
