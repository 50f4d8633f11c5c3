import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadTotals, LoadWindow } from '../load/load.ts'
import type { ConnectionPlan, TurnPlan } from '../load/plan.ts'
import type { Measurement, RunOptions, ServerUnderTest, Values } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { startRoleMeter } from '../servers/role-meter.ts'
import { planMembers } from './members.ts'
import { planTalks } from './talks.ts'

/** The agent that `measureTurns` talks to. */
export const ECHO = { name: 'echo', module: 'echo' } as const
/** Past it the load, not the server, may be what was measured. */
const MAX_GENERATOR_SHARE = 0.9

export interface TurnLoad {
  /** Each with one person, who has one message in hand at a time. */
  readonly channelCount: number
  /** 0: the next message as soon as the answer is there. */
  readonly thinkMs: number
}

interface Phase {
  readonly window: LoadWindow
  readonly totals: LoadTotals
  readonly cpuMs: number
  readonly serverCores: number
  readonly otherCores: number
  readonly roles: Values
  readonly warnings: readonly string[]
}

async function measurePhase(
  server: ServerUnderTest,
  options: RunOptions,
  talk: { readonly connections: readonly ConnectionPlan[]; readonly plan: TurnPlan },
): Promise<Phase> {
  await using load = new Load(1)
  await load.openAll(server.port, talk.connections)
  await load.send({ pace: { kind: 'turns', ...talk.plan }, sampleEvery: Number.POSITIVE_INFINITY })
  await sleep(options.warmUpSeconds * 1_000)
  const [meter, roleMeter] = await Promise.all([startCpuMeter(server), startRoleMeter(server)])
  await load.mark()
  await sleep(options.seconds * 1_000)
  const window = await load.mark()
  const [use, roles] = await Promise.all([meter.stop(window.generatorCores), roleMeter.stop()])
  await load.stop()
  return { ...use, window, roles, totals: await load.totals() }
}

/** What makes the values doubtful, in words. */
function doubts(what: string, { window, totals, warnings }: Phase, unanswered: number): string[] {
  const { lostConnections, firstLoss, unacknowledged } = totals
  const share = Math.round(window.busiestGenerator * 100)
  const all: [boolean, string][] = [
    [window.acks === 0, 'nothing was acknowledged'],
    [lostConnections > 0, `${lostConnections} connections were lost: ${firstLoss}`],
    [window.refusals > 0, `${window.refusals} messages were refused`],
    [unacknowledged > 0, `${unacknowledged} messages were never acknowledged`],
    [unanswered > 0, `${unanswered} messages were never answered`],
    [unanswered < 0, `${-unanswered} messages were answered twice`],
    [
      window.busiestGenerator > MAX_GENERATOR_SHARE,
      `the load may be the limit: a generator at ${share} % of a core`,
    ],
  ]
  return [...all.filter(([isSo]) => isSo).map(([, words]) => words), ...warnings].map(
    (words) => `${what}: ${words}`,
  )
}

function valuesOf(plain: Phase, turns: Phase): Values {
  const messagesPerSecond = (plain.window.acks * 1_000) / plain.window.durationMs
  const turnsPerSecond = (turns.window.turns * 1_000) / turns.window.durationMs
  return {
    turnP50Ms: turns.window.turnTimes.percentileMs(0.5),
    turnP99Ms: turns.window.turnTimes.percentileMs(0.99),
    turnP999Ms: turns.window.turnTimes.percentileMs(0.999),
    turnsPerSecond,
    ackP50Ms: turns.window.ackLatency.percentileMs(0.5),
    ackP99Ms: turns.window.ackLatency.percentileMs(0.99),
    cpuMicrosPerTurn: (turns.cpuMs * 1_000) / turns.window.turns,
    plainP50Ms: plain.window.ackLatency.percentileMs(0.5),
    plainP99Ms: plain.window.ackLatency.percentileMs(0.99),
    messagesPerSecond,
    cpuMicrosPerMessage: (plain.cpuMs * 1_000) / plain.window.acks,
    turnsPerMessage: turnsPerSecond / messagesPerSecond,
    serverCores: turns.serverCores,
    ...turns.roles,
    generatorCpu: turns.window.busiestGenerator,
    otherCores: turns.otherCores,
  }
}

/**
 * Plain messages first, which nobody answers, then turns: a message in, until the agent's reply to it is
 * delivered to the socket that sent it. As many sockets and channels, on the same server, with the same pauses.
 */
export async function measureTurns(
  server: ServerUnderTest,
  options: RunOptions,
  { channelCount, thinkMs }: TurnLoad,
): Promise<Measurement> {
  const members = planMembers({ socketCount: channelCount, channelCount })
  const plain = await measurePhase(server, options, {
    connections: members,
    plan: { awaits: 'ack', thinkMs },
  })
  const turns = await measurePhase(server, options, {
    connections: await planTalks(server, channelCount, [ECHO.name]),
    plan: { awaits: 'reply', thinkMs },
  })
  return {
    values: valuesOf(plain, turns),
    warnings: [...doubts('messages', plain, 0), ...doubts('turns', turns, turns.totals.unanswered)],
  }
}
