import type { Scenario } from '../scenario.ts'
import { startWithWorkers } from '../servers/worker-server.ts'
import { ECHO, measureTurns } from './measure-turns.ts'
import type { TurnLoad } from './measure-turns.ts'

/** The peer has no agents: a turn stands beside a plain message of the same run. */
function turnScenario(
  about: Pick<Scenario, 'name' | 'title' | 'headline'>,
  load: TurnLoad,
): Scenario {
  return {
    ...about,
    sides: ['parley'],
    targets: [],
    start: (_side, options) => startWithWorkers([ECHO], options),
    measure: (server, options) => measureTurns(server, options, load),
  }
}

/** So far from the most that a server of today takes that what is measured is the way, not a queue. */
const LATENCY_HEADLINE = [
  'turnP50Ms',
  'turnP99Ms',
  'plainP50Ms',
  'plainP99Ms',
  'turnsPerSecond',
  'cpuMicrosPerTurn',
  'serverCores',
  'agentHostCores',
  'writerCores',
  'generatorCpu',
] as const

export const echo100 = turnScenario(
  {
    name: 'echo-100',
    title: 'Echo answers in each of 100 channels, 1 s of thinking between turns; beside plain',
    headline: LATENCY_HEADLINE,
  },
  { channelCount: 100, thinkMs: 1_000 },
)

export const echo1000 = turnScenario(
  {
    name: 'echo-1000',
    title: 'Echo answers in each of 1,000 channels, 2 s of thinking between turns; beside plain',
    headline: LATENCY_HEADLINE,
  },
  { channelCount: 1_000, thinkMs: 2_000 },
)

/** Every socket says the next thing when the answer is there: the most that one agent answers. */
export const turns = turnScenario(
  {
    name: 'turns',
    title: 'Echo in 200 channels, a closed loop without thinking; beside plain messages',
    headline: [
      'turnsPerSecond',
      'messagesPerSecond',
      'turnsPerMessage',
      'turnP50Ms',
      'turnP99Ms',
      'plainP50Ms',
      'plainP99Ms',
      'cpuMicrosPerTurn',
      'cpuMicrosPerMessage',
      'agentHostCores',
      'writerCores',
      'gatewayCores',
      'generatorCpu',
    ],
  },
  { channelCount: 200, thinkMs: 0 },
)
