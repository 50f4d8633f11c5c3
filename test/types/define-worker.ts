/** Checked by the compiler and never run: what `defineWorker` lets a module leave to it, and what it refuses. */
import { defineWorker } from '../../src/index.ts'
import type { ExecutionContext, ScheduledEvent, WorkerEnv } from '../../src/index.ts'

type Is<Actual, Expected> = [Actual, Expected] extends [Expected, Actual] ? true : never

const worker = defineWorker({
  agent: { name: 'Types' },
  env: 'TYPES_',
  cron: ['*/5 * * * *'],
  async fetch(request, env, ctx) {
    const parameters: [
      Is<typeof request, Request>,
      Is<typeof env, WorkerEnv>,
      Is<typeof ctx, ExecutionContext>,
    ] = [true, true, true]
    // @ts-expect-error -- the view is read-only
    env.TYPES_A = 'b'
    // @ts-expect-error -- a setting may be absent
    const setting: string = env.TYPES_OTHER
    ctx.waitUntil(Promise.resolve(setting))
    return Response.json(parameters)
  },
  scheduled(event, _env, ctx) {
    const parameter: Is<typeof event, ScheduledEvent> = true
    ctx.log.info({ cron: event.cron, parameter }, 'scheduled')
  },
})

/** The module comes back as it is: what was given is there for certain, and its answer is a Response. */
export const answer: Promise<Response> = worker.fetch(
  new Request('http://localhost/workers/types/'),
  {},
  {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    signal: new AbortController().signal,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  },
)

// @ts-expect-error -- an agent has a name
defineWorker({ agent: {}, fetch: () => new Response() })
// @ts-expect-error -- fetch answers with a Response
defineWorker({ fetch: () => 'text' })
// @ts-expect-error -- cron is text
defineWorker({ cron: 5, scheduled() {} })
// A module for Cloudflare, unchanged.
defineWorker({ fetch: (request: Request) => new Response(request.body) })
