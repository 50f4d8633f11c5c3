import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Histogram } from '../load/histogram.ts'
import type { Measurement, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import type { RestCommand, RestPlan, RestWindow } from './rest-plan.ts'

const MODULE = fileURLToPath(new URL('generator.js', import.meta.url))
const COMMAND_TIMEOUT_MS = 10_000
/** Share of a core above which the generator, and not the server, may be what limits the run. */
const MAX_GENERATOR_CORES = 0.9

/** One process that makes requests. */
class RestLoad implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(MODULE, [], { serialization: 'advanced', execArgv: [] })
  }

  /** Answers what happened since the command before. */
  async request(command: RestCommand): Promise<RestWindow> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`the generator of requests did not answer "${command.do}"`))
      }, COMMAND_TIMEOUT_MS)
      const onExit = (): void => {
        clearTimeout(late)
        reject(new Error('the generator of requests ended'))
      }
      this.#child.once('exit', onExit)
      this.#child.once('message', (window: RestWindow) => {
        clearTimeout(late)
        this.#child.off('exit', onExit)
        resolve(window)
      })
      this.#child.send(command)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    this.#child.kill('SIGKILL')
    await ended
  }
}

function warningsOf(window: RestWindow, generatorCores: number): string[] {
  const warnings: string[] = []
  if (window.refusals > 0) warnings.push(`${window.refusals} requests were refused`)
  if (window.brokenConnections > 0) {
    warnings.push(`${window.brokenConnections} connections broke before their answer`)
  }
  if (generatorCores > MAX_GENERATOR_CORES) {
    const share = Math.round(generatorCores * 100)
    warnings.push(`the load may be the limit: generator at ${share} % of a core`)
  }
  return warnings
}

export interface RestTimes {
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** Requests in a closed loop for the given time; latency, rate, and what they cost the server and the load. */
export async function measureRest(
  server: ServerUnderTest,
  plan: Omit<RestPlan, 'port'>,
  times: RestTimes,
): Promise<Measurement> {
  await using load = new RestLoad()
  await load.request({ do: 'start', plan: { ...plan, port: server.port } })
  await sleep(times.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  await load.request({ do: 'mark' })
  await sleep(times.seconds * 1_000)
  const window = await load.request({ do: 'mark' })
  const generatorCores = window.cpuMs / window.durationMs
  const { cpuMs, serverCores, otherCores, warnings } = await meter.stop(generatorCores)
  const latency = new Histogram(window.latencyCounts)
  return {
    values: {
      requestsPerSecond: ((window.answers - window.refusals) / window.durationMs) * 1_000,
      p50Ms: latency.percentileMs(0.5),
      p99Ms: latency.percentileMs(0.99),
      p999Ms: latency.percentileMs(0.999),
      cpuMicrosPerRequest: (cpuMs * 1_000) / Math.max(1, window.answers),
      serverCores,
      generatorCores,
      otherCores,
    },
    warnings: [...warningsOf(window, generatorCores), ...warnings],
  }
}
