import { Cron } from 'croner'
import { z } from 'zod'
import { ID_RULE, isId } from '../protocol/ids.ts'
import { LIMITS } from '../protocol/limits.ts'
import { describeIssues } from '../protocol/schemas.ts'
import { canonicalId } from '../util/ids.ts'
import { agentIdOf } from '../service/agent-id.ts'
import { prefixProblem } from './worker-env.ts'
import type { WorkerModule } from './worker.ts'

/** What a module may answer to. */
const HANDLERS = ['message', 'join', 'fetch', 'scheduled'] as const
/** Those that only somebody who takes part in channels can have. */
const AGENT_HANDLERS: ReadonlySet<string> = new Set(['message', 'join'])
type HandlerName = (typeof HANDLERS)[number]

/** Cron expressions of one worker. */
const MAX_CRONS = 32

/** Who a worker is, with the id that it has in any case. */
interface Agent {
  readonly id: string
  readonly name: string
  readonly bio: string | undefined
}

/** What a module says about itself, checked. */
export interface CheckedModule {
  readonly module: WorkerModule
  readonly handlers: readonly HandlerName[]
  readonly agent: Agent | undefined
  readonly crons: readonly string[]
  readonly envPrefix: string | undefined
  /** What is probably not meant as it is written, and stops nothing. */
  readonly hints: readonly string[]
}

export type ModuleCheck = CheckedModule | { readonly problem: string }

function cronProblem(expression: string): string | undefined {
  try {
    const next = new Cron(expression, { timezone: 'UTC', paused: true }).nextRun()
    return next === null ? `"${expression}" never comes` : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const handler = z.custom<(...args: never) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
)

function cronsProblem(expressions: readonly unknown[]): string | undefined {
  if (expressions.length > MAX_CRONS) return `must be at most ${MAX_CRONS} expressions`
  const problems = expressions.map((one) =>
    typeof one === 'string' ? cronProblem(one) : 'must be a cron expression or a list of them',
  )
  return problems.find((problem) => problem !== undefined)
}

/** One expression or a list of them, each once. */
const cronList = z
  .custom<string | readonly string[]>()
  .superRefine((value, context) => {
    const problem = cronsProblem([value].flat())
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
  .transform((value) => [...new Set([value].flat())])

const prefix = z.string('must be a prefix such as "SUPPORT_"').superRefine((value, context) => {
  const problem = prefixProblem(value)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const moduleSchema = z.object(
  {
    agent: z
      .object(
        {
          name: z
            .string('must be a name')
            .trim()
            .min(1, 'must not be empty')
            .max(LIMITS.maxNameLength),
          id: z
            .custom<string>(isId, ID_RULE)
            .transform((id) => canonicalId(id))
            .optional(),
          bio: z.string('must be text').max(LIMITS.maxBioLength).optional(),
        },
        'must be an object with a name',
      )
      .optional(),
    env: prefix.optional(),
    cron: cronList.optional(),
    message: handler.optional(),
    join: handler.optional(),
    fetch: handler.optional(),
    scheduled: handler.optional(),
  },
  'the default export must be an object with handlers, such as { fetch(request, env, ctx) { … } }',
)

function hintsOf(
  handlers: readonly HandlerName[],
  crons: readonly string[],
  keys: readonly string[],
): string[] {
  const hints: string[] = []
  const hasScheduled = handlers.includes('scheduled')
  if (hasScheduled && crons.length === 0) hints.push('scheduled is never called: there is no cron')
  if (!hasScheduled && crons.length > 0) hints.push('cron does nothing: there is no scheduled')
  if (keys.length > 0)
    hints.push(`never called, because nothing here knows them: ${keys.join(', ')}`)
  return hints
}

function readModule(exported: WorkerModule): ModuleCheck {
  const result = moduleSchema.safeParse(exported)
  if (!result.success) return { problem: describeIssues(result.error) }
  const { agent, env, cron = [] } = result.data
  const handlers = HANDLERS.filter((name) => exported[name] !== undefined)
  if (handlers.length === 0)
    return { problem: `there is no handler: one of ${HANDLERS.join(', ')} is needed` }
  const needsAgent = handlers.filter((name) => AGENT_HANDLERS.has(name))
  if (agent === undefined && needsAgent.length > 0) {
    return { problem: `${needsAgent.join(', ')} is for agents: add agent: { name: '…' }` }
  }
  const known: ReadonlySet<string> = new Set(HANDLERS)
  const unknown = Object.entries(exported).filter(
    ([key, value]) => typeof value === 'function' && !known.has(key),
  )
  return {
    module: exported,
    handlers,
    agent: agent && { id: agent.id ?? agentIdOf(agent.name), name: agent.name, bio: agent.bio },
    crons: cron,
    envPrefix: env,
    hints: hintsOf(
      handlers,
      cron,
      unknown.map(([key]) => key),
    ),
  }
}

function isWorkerLike(value: unknown): value is WorkerModule {
  return typeof value === 'object' && value !== null
}

/** Whether a module's default export is a worker, and which; with everything that is wrong with it in one text. */
export function checkModule(namespace: Readonly<Record<string, unknown>>): ModuleCheck {
  if (!('default' in namespace)) return { problem: 'there is no default export' }
  try {
    const exported: unknown = namespace.default
    if (isWorkerLike(exported)) return readModule(exported)
    return { problem: String(moduleSchema.safeParse(exported).error?.issues[0]?.message) }
  } catch (error) {
    // A getter of the module that throws, or an export that is not initialised.
    return { problem: `the default export cannot be read: ${String(error)}` }
  }
}
