import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Applied } from '../../src/log/engine.ts'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import type { InboxItem } from '../../src/log/inbox.ts'
import type { Command } from '../../src/log/log.ts'
import { createMemoryEngine } from '../../src/log/memory/memory-engine.ts'
import type { Entry } from '../../src/protocol/model.ts'
import { commands, NAMES } from './engine-commands.ts'
import type { OpenEngine } from './engine.contract.ts'

const agentId = fc.constantFrom(...NAMES.entities)
const number = fc.nat({ max: 12 })

type Step =
  | { readonly do: 'change'; readonly command: Command }
  | { readonly do: 'open'; readonly agentId: string }
  | {
      readonly do: 'settle'
      readonly agentId: string
      readonly upTo: number
      /** Which of the postings so far, counted round. */
      readonly failing: readonly number[]
      readonly resolving: readonly number[]
    }
  | { readonly do: 'retry' | 'discard'; readonly agentId: string; readonly which: number }
  | { readonly do: 'repeat'; readonly back: number }
  | { readonly do: 'sweep' }

const few = fc.array(number, { maxLength: 2 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('change' as const), command: commands }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const), agentId }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      agentId,
      upTo: number,
      failing: few,
      resolving: few,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('retry' as const, 'discard' as const),
      agentId,
      which: number,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
)

interface Kept {
  attempts: number
  state: 'failed' | 'retried' | 'discarded'
}

/** The promises of the inbox in the plainest form, held against both engines in step. */
class Run {
  readonly #engines: readonly SweepingEngine[]
  readonly #sent: Command[] = []
  /** The entry of place `n` is at index `n - 1`. */
  readonly #entries: Entry[] = []
  readonly #cursors = new Map<string, number>()
  /** By agent and message. */
  readonly #kept = new Map<string, Kept>()
  /** The newest places when somebody began to take part, by channel and entity. */
  #joined = new Map<string, number>()

  constructor(engines: readonly SweepingEngine[]) {
    this.#engines = engines
  }

  take(step: Step): void {
    if (step.do === 'sweep') for (const engine of this.#engines) engine.sweep()
    const earlier = step.do === 'repeat' ? this.#repeatable(step.back) : undefined
    const made = earlier === undefined ? this.#commandOf(step) : undefined
    const command = earlier ?? made
    if (command === undefined) return
    const [applied, ...others] = this.#engines.map((engine) => engine.apply([command])[0]!)
    for (const other of others) expect(other).toEqual(applied)
    if (!('error' in applied!)) this.#entries.push(...applied!.entries)
    this.#noteTakingPart()
    if (made === undefined) return
    this.#sent.push(made)
    this.#note(made, applied!)
  }

  /** An earlier one, as a writer's peers send it again: of an agent's only the last. */
  #repeatable(back: number): Command | undefined {
    const command = this.#sent.at(-1 - back)
    if (command === undefined || !isOfInbox(command)) return command
    const last = this.#sent.findLast((one) => isOfInbox(one) && one.agentId === command.agentId)
    return last === command ? command : undefined
  }

  #commandOf(step: Step): Command | undefined {
    const id = `command-${this.#sent.length}`
    const postings = this.#postings()
    const at = (which: number) => postings[which % Math.max(1, postings.length)]
    if (step.do === 'change') return { ...step.command, id }
    if (step.do === 'open') return { type: 'open-inbox', id, agentId: step.agentId }
    if (step.do === 'retry' || step.do === 'discard') {
      const { messageId = 'none' } = at(step.which) ?? {}
      return { type: `${step.do}-failure`, id, agentId: step.agentId, messageId }
    }
    if (step.do !== 'settle') return undefined
    const attempts = this.#sent.length
    const report = { attempts, reason: 'r' }
    const failures = step.failing.flatMap((which) => at(which) ?? [])
    return {
      type: 'settle',
      id,
      agentId: step.agentId,
      upTo: step.upTo,
      failures: failures.map(({ place, messageId }) => Object.assign({ place, messageId }, report)),
      resolved: step.resolving.flatMap((which) => at(which)?.place ?? []),
    }
  }

  #postings() {
    return this.#entries.flatMap((entry, index) =>
      entry.kind === 'posted' && entry.message !== null
        ? [{ place: index + 1, messageId: entry.message.id }]
        : [],
    )
  }

  /** A channel that is made, anew too, is made ahead of its first message. */
  #noteTakingPart(): void {
    const before = this.#joined
    const taking = NAMES.channels.flatMap((id) => {
      const participants = this.#engines[0]?.channel(id)?.participants ?? []
      return participants.map(({ entityId }) => `${id} ${entityId}`)
    })
    const last = this.#entries.at(-1)
    const newest = this.#entries.length - (last?.kind === 'posted' ? 1 : 0)
    this.#joined = new Map(taking.map((one) => [one, before.get(one) ?? newest]))
  }

  #note(command: Command, applied: Applied): void {
    const place = 'outcome' in applied ? applied.outcome.place : undefined
    if (command.type === 'open-inbox') {
      expect(place).toBe(this.#cursors.get(command.agentId) ?? this.#entries.length)
      this.#cursors.set(command.agentId, place ?? 0)
    }
    if (command.type === 'settle') this.#noteSettle(command, place)
    if (command.type === 'retry-failure') this.#noteChange(command, place, 'retried')
    if (command.type === 'discard-failure') this.#noteChange(command, place, 'discarded')
  }

  #noteChange(command: OnFailure, place: number | undefined, state: Kept['state']): void {
    const kept = this.#kept.get(`${command.agentId} ${command.messageId}`)
    const isThere = kept !== undefined && kept.state !== 'discarded'
    expect(place !== undefined).toBe(isThere && this.#isShown(command.messageId))
    if (place !== undefined && kept !== undefined) kept.state = state
  }

  #noteSettle(command: Extract<Command, { type: 'settle' }>, place: number | undefined): void {
    const before = this.#cursors.get(command.agentId) ?? 0
    expect(place).toBe(Math.min(Math.max(before, command.upTo), this.#entries.length))
    this.#cursors.set(command.agentId, place ?? 0)
    for (const { place: resolved, messageId } of this.#postings()) {
      if (command.resolved?.includes(resolved) !== true) continue
      this.#kept.delete(`${command.agentId} ${messageId}`)
    }
    for (const { messageId, attempts } of command.failures ?? []) {
      if (!this.#isShown(messageId)) continue
      this.#kept.set(`${command.agentId} ${messageId}`, { attempts, state: 'failed' })
    }
  }

  #isShown(messageId: string): boolean {
    return this.#engines[0]?.message(messageId) !== undefined
  }

  check(): void {
    for (const engine of this.#engines) {
      expect(engine.newestPlace()).toBe(this.#entries.length)
      for (const one of NAMES.entities) this.#checkAgent(engine, one)
    }
  }

  #checkAgent(engine: SweepingEngine, agent: string): void {
    const wanted = this.#postings().filter(({ messageId, place }) => {
      const message = engine.message(messageId)
      const channel = message && engine.channel(message.channelId)
      const takesPart = channel?.participants.some(({ entityId }) => entityId === agent) ?? false
      const joined = this.#joined.get(`${channel?.id} ${agent}`) ?? 0
      return takesPart && message?.authorId !== agent && place > joined
    })
    const query = { agentId: agent, after: 0, limit: 1_000 }
    const whole = engine.inbox(query)
    expect(placesOf(whole.items)).toEqual(wanted.map(({ place }) => place))
    for (const { message } of whole.items) expect(message).toEqual(engine.message(message.id))
    for (const bound of [{ limit: 1 }, { limit: 2 }, { maxBytes: 60 }]) {
      expect(placesOf(pagesOf(engine, { ...query, ...bound }))).toEqual(placesOf(whole.items))
    }
    const kept = this.#postings().flatMap(({ place, messageId }) => {
      const one = this.#kept.get(`${agent} ${messageId}`)
      if (one === undefined || one.state === 'discarded' || !this.#isShown(messageId)) return []
      return [{ place, messageId, attempts: one.attempts, isRetrying: one.state === 'retried' }]
    })
    expect(engine.failures(agent, { limit: 1_000 })).toMatchObject(kept.toReversed())
    const retried = new Set(kept.filter(({ isRetrying }) => isRetrying).map(({ place }) => place))
    const shown = wanted.filter(({ place }) => retried.has(place)).map(({ place }) => place)
    const handed = placesOf(engine.retries(query).items)
    // An agent's own message may be reported, here if nowhere else, and is in no inbox.
    expect(handed.filter((place) => wanted.some((one) => one.place === place))).toEqual(shown)
  }
}

const INBOX = ['open-inbox', 'settle', 'retry-failure', 'discard-failure'] as const
type OfInbox = Extract<Command, { readonly type: (typeof INBOX)[number] }>

type OnFailure = Extract<Command, { readonly messageId: string; readonly agentId: string }>

function isOfInbox(command: Command): command is OfInbox {
  return INBOX.some((type) => type === command.type)
}

const placesOf = (items: readonly InboxItem[]) => items.map(({ place }) => place)

/** All pages, each after the one before it. */
function pagesOf(
  engine: SweepingEngine,
  query: Parameters<SweepingEngine['inbox']>[0],
): readonly InboxItem[] {
  const items: InboxItem[] = []
  let { after } = query
  for (;;) {
    const page = engine.inbox({ ...query, after })
    items.push(...page.items)
    if (!page.hasMore) return items
    expect(page.upTo).toBeGreaterThan(after)
    after = page.upTo
  }
}

export function describeInboxProperties(open: OpenEngine): void {
  it('hands out, keeps and forgets as the plainest model of an inbox does, for any commands', () => {
    const property = fc.property(fc.array(anyStep, { minLength: 5, maxLength: 60 }), (steps) => {
      const nowMs = 1_000
      const { engine, dispose } = open(() => nowMs)
      try {
        const run = new Run([engine, createMemoryEngine({ now: () => nowMs })])
        for (const each of steps) run.take(each)
        run.check()
      } finally {
        dispose()
      }
    })
    fc.assert(property, { numRuns: 100 })
  })
}
