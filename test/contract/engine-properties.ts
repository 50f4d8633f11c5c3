import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryEngine } from '../../src/log/memory/memory-engine.ts'
import type { Applied, LogEngine, LogReader } from '../../src/log/engine.ts'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import type { Command } from '../../src/log/log.ts'
import type { Entry, Message } from '../../src/protocol/model.ts'
import { NAMES, runs } from './engine-commands.ts'
import type { Step } from './engine-commands.ts'
import type { OpenEngine } from './engine.contract.ts'
import { entriesOf } from './engine-support.ts'

/** Fewer than there are names, so that runs meet the bound. */
const MAX_PARTICIPANTS = 2

/** A run of both engines in step; the oracle is what was applied, kept as anyone on the feed would. */
class Run {
  readonly clock = { nowMs: 1_000 }
  readonly #engines: readonly SweepingEngine[]
  readonly #commands: Command[] = []
  readonly #first = new Map<string, Applied>()
  readonly #feed = new Map<string, Entry[]>()

  constructor(open: (now: () => number) => readonly SweepingEngine[]) {
    this.#engines = open(() => this.clock.nowMs)
  }

  batch(steps: readonly Step[]): void {
    const commands: Command[] = []
    for (const step of steps) {
      if (step.do === 'clock') this.clock.nowMs += step.byMs
      if (step.do === 'sweep') for (const engine of this.#engines) engine.sweep()
      const command = this.#commandOf(step)
      if (command !== undefined) commands.push(command)
    }
    const [applied, ...others] = this.#engines.map((engine) => plain(engine.apply(commands)))
    for (const other of others) expect(other).toEqual(applied)
    for (const [index, command] of commands.entries()) this.#note(command, applied![index]!)
  }

  #commandOf(step: Step): Command | undefined {
    if (step.do === 'repeat') return this.#commands.at(-1 - step.back)
    if (step.do !== 'apply') return undefined
    const command = { ...step.command, id: `command-${this.#commands.length}` }
    this.#commands.push(command)
    return command
  }

  #note(command: Command, applied: Applied): void {
    if ('error' in applied) return
    const first = this.#first.get(command.id)
    if (first === undefined && applied.outcome.isDuplicate !== true)
      this.#first.set(command.id, applied)
    if (first !== undefined && 'outcome' in first && first.outcome.seq !== undefined) {
      expect(applied).toMatchObject({ outcome: { seq: first.outcome.seq, isDuplicate: true } })
      expect(applied.entries).toEqual([])
    }
    for (const entry of applied.entries) {
      const entries = this.#feed.get(entry.channelId) ?? []
      this.#feed.set(entry.channelId, entries)
      entries.push(entry)
    }
  }

  check(): void {
    const [first, ...others] = this.#engines
    for (const other of others) expect(stateOf(other)).toEqual(stateOf(first!))
    for (const channelId of NAMES.channels) this.#checkChannel(first!, channelId)
  }

  #checkChannel(engine: LogEngine, channelId: string): void {
    const read = entriesOf(engine, channelId)
    const fed = this.#feed.get(channelId) ?? []
    expect(read.map(({ seq }) => seq)).toEqual(read.map((_, index) => index + 1))
    expect(read.map(({ kind, seq, at }) => [kind, seq, at])).toEqual(
      fed.map(({ kind, seq, at }) => [kind, seq, at]),
    )
    const times = read.map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const all = { channelId, limit: 1_000 }
    expect(engine.messages(all).messages.toReversed()).toEqual(plain(replay(fed)))
    expect(replay(read)).toEqual(engine.messages(all).messages.toReversed())
    for (const atMs of new Set(times)) {
      const older = engine.messages({ ...all, beforeMs: atMs }).messages
      expect(older).toEqual(
        engine.messages(all).messages.filter(({ createdAt }) => createdAt < atMs),
      )
      const newer = engine.messages({ ...all, afterMs: atMs }).messages
      expect(newer).toEqual(
        engine.messages(all).messages.filter(({ createdAt }) => createdAt > atMs),
      )
    }
  }
}

/** What a client that follows the entries shows at the end, oldest first. */
function replay(entries: readonly Entry[]): readonly Message[] {
  const shown = new Map<string, Message>()
  for (const entry of entries) {
    if (entry.kind === 'cleared' || entry.kind === 'removed') shown.clear()
    if (entry.kind === 'deleted') shown.delete(entry.messageId)
    if (entry.kind !== 'posted' && entry.kind !== 'edited') continue
    if (entry.message !== null) shown.set(entry.message.id, entry.message)
  }
  return [...shown.values()]
}

/** Everything that can be read. */
function stateOf(reader: LogReader): unknown {
  return plain({
    channels: reader.channels(),
    byServer: NAMES.servers.map((id) => [reader.channels(id), reader.server(id)]),
    visible: NAMES.entities.map((entityId) =>
      [undefined, ...NAMES.servers].map((id) => reader.channels(id, entityId)),
    ),
    standings: NAMES.entities.map((entityId) =>
      NAMES.channels.map((id) => reader.standing(id, entityId)),
    ),
    details: NAMES.channels.map((id) => reader.channel(id)),
    entries: NAMES.channels.map((channelId) =>
      reader.entries({ channelId, after: 0, upTo: 10_000, limit: 10_000 }),
    ),
    bounded: NAMES.channels.map((channelId) => boundedReads(reader, channelId)),
    messages: NAMES.messages.map((id) => reader.message(id)),
    heads: NAMES.channels.map((id) => reader.head(id)),
    servers: reader.servers(),
    agents: NAMES.servers.map((id) => reader.serverAgents(id)),
    agentServers: NAMES.entities.map((id) => reader.agentServers(id)),
  })
}

/** How far reads come within some bounds on bytes. */
function boundedReads(reader: LogReader, channelId: string): readonly (number | boolean)[] {
  return [0, 30, 60, 200].flatMap((maxBytes) => [
    reader.messages({ channelId, limit: 100, maxBytes }).messages.length,
    reader.messages({ channelId, limit: 100, maxBytes }).hasMore,
    reader.entries({ channelId, after: 0, upTo: 10_000, limit: 100, maxBytes }).length,
  ])
}

/** As it crosses a process border. */
function plain<T>(value: T): T {
  return structuredClone(value)
}

export function describeProperties(open: OpenEngine): void {
  describe('for any run of commands', () => {
    it('does what the memory engine does, without holes, and replays to what it shows', () => {
      const property = fc.property(runs, (batches) => {
        const disposals: (() => void)[] = []
        try {
          const run = new Run((now) => {
            const { engine, dispose } = open(now, MAX_PARTICIPANTS)
            disposals.push(dispose)
            return [engine, createMemoryEngine({ now, maxParticipants: MAX_PARTICIPANTS })]
          })
          for (const batch of batches) run.batch(batch)
          run.check()
        } finally {
          for (const dispose of disposals) dispose()
        }
      })
      fc.assert(property, { numRuns: 150 })
    })
  })
}
