import { randomUUID } from 'node:crypto'
import { createClock } from '../load/clock.ts'
import { Histogram } from '../load/histogram.ts'
import { RestConnection } from './rest-connection.ts'
import { FRESH_ID } from './rest-plan.ts'
import type { RestCommand, RestPlan, RestWindow } from './rest-plan.ts'

/** The main module of the process that makes the requests, driven by `RestLoad` over IPC. */

const clock = createClock()
const latency = new Histogram()
const counts = { answers: 0, refusals: 0, brokenConnections: 0 }
const mark = { atMs: clock(), cpu: process.cpuUsage() }

/** Draws from the requests; a copy is made only of one that changes. */
function drawer(requests: readonly string[]): () => Buffer {
  const templates = requests.map((text) => {
    const bytes = Buffer.from(text)
    return { bytes, freshIdAt: bytes.indexOf(FRESH_ID) }
  })
  return () => {
    const template = templates[Math.floor(Math.random() * templates.length)]
    if (template === undefined) throw new Error('no requests')
    if (template.freshIdAt === -1) return template.bytes
    const bytes = Buffer.from(template.bytes)
    bytes.write(randomUUID(), template.freshIdAt, 'latin1')
    return bytes
  }
}

function start({ port, connectionCount, requests }: RestPlan): void {
  const events = {
    clock,
    next: drawer(requests),
    onAnswer: (status: number, durationMs: number) => {
      counts.answers += 1
      if (status < 200 || status > 299) counts.refusals += 1
      latency.recordMs(durationMs)
    },
    onBroken: () => {
      counts.brokenConnections += 1
    },
  }
  for (let index = 0; index < connectionCount; index += 1) new RestConnection(port, events).start()
}

function takeWindow(): RestWindow {
  const cpu = process.cpuUsage(mark.cpu)
  const now = clock()
  const window = {
    durationMs: now - mark.atMs,
    ...counts,
    latencyCounts: latency.counts.slice(),
    cpuMs: (cpu.user + cpu.system) / 1_000,
  }
  Object.assign(counts, { answers: 0, refusals: 0, brokenConnections: 0 })
  Object.assign(mark, { atMs: now, cpu: process.cpuUsage() })
  latency.clear()
  return window
}

process.on('message', (command: RestCommand) => {
  if (command.do === 'start') start(command.plan)
  process.send?.(takeWindow())
})
process.on('disconnect', () => {
  process.exitCode = 0
  // Its connections would keep it alive.
  process.kill(process.pid, 'SIGKILL')
})
