import { afterEach, beforeEach, describe } from 'vitest'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import { describeAgents } from './engine-agents.ts'
import { describeAwaited } from './engine-awaited.ts'
import { describeBytes } from './engine-bytes.ts'
import { describeBound } from './engine-bound.ts'
import { describeChannels } from './engine-channels.ts'
import { describeFailures } from './engine-failures.ts'
import { describeGuards } from './engine-guards.ts'
import { describeGuardProperties } from './engine-guard-properties.ts'
import { describeInbox } from './engine-inbox.ts'
import { describeInboxProperties } from './engine-inbox-properties.ts'
import { describeMessages } from './engine-messages.ts'
import { describeParticipants } from './engine-participants.ts'
import { describeProperties } from './engine-properties.ts'
import { describeReads } from './engine-reads.ts'
import { describeServers } from './engine-servers.ts'
import { describeCancelled } from './engine-cancelled.ts'
import { describeSpokenTurns } from './engine-spoken-turns.ts'
import { describeStreamEnds } from './engine-stream-ends.ts'
import { describeStreamProperties } from './engine-stream-properties.ts'
import { describeStreams } from './engine-streams.ts'
import type { TestClock } from './engine-support.ts'
import { describeVisibility } from './engine-visibility.ts'

interface EngineUnderTest {
  readonly engine: SweepingEngine
  /** Closes it and removes what it left. */
  readonly dispose: () => void
}

/** Makes a fresh, empty engine that takes its time from the clock. */
export type OpenEngine = (now: () => number, maxParticipants?: number) => EngineUnderTest

/** What a group of the suite works on: both are new for every test. */
export interface Bench {
  readonly engine: () => SweepingEngine
  readonly clock: TestClock
}

/** What every engine promises. */
export function describeEngine(name: string, open: OpenEngine): void {
  describe(`${name} engine`, () => {
    const clock = { nowMs: 0 }
    let current: EngineUnderTest | undefined
    beforeEach(() => {
      clock.nowMs = 1_700_000_000_000
      current = open(() => clock.nowMs)
    })
    afterEach(() => current?.dispose())
    const bench: Bench = { engine: () => current!.engine, clock }
    describeMessages(bench)
    describeChannels(bench)
    describeParticipants(bench)
    describeServers(bench)
    describeReads(bench)
    describeBytes(bench)
    describeVisibility(bench)
    describeGuards(bench)
    describeInbox(bench)
    describeAwaited(bench)
    describeFailures(bench)
    describeAgents(bench)
    describeStreams(bench)
    describeStreamEnds(bench)
    // What each prepares is for its own tests only.
    describe('with agents that are told to stop', () => describeCancelled(bench))
    describe('with agents that speak', () => describeSpokenTurns(bench))
    describeBound(open)
    describeGuardProperties(open)
    describeInboxProperties(open)
    describeStreamProperties(open)
    describeProperties(open)
  })
}
