import { z } from '@hono/zod-openapi'
import { LOG_LEVEL_NAMES, LOG_LEVELS } from '../../../protocol/log-levels.ts'
import type { Cluster, LogLine } from '../../../service/cluster.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { plain } from '../reply.ts'

const tag = 'System'
const PATH = '/api/server/logs'
const DEFAULT_ROWS = 100
const MAX_ROWS = 1_000
const DEFAULT_AGE_MS = 60 * 60 * 1_000

const wholeNumber = (description: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', description })

const logQuery = z.object({
  since: wholeNumber('Only lines since this time, epoch ms; an hour ago when absent.'),
  level: z
    .enum(['all', ...LOG_LEVEL_NAMES])
    .default('all')
    .openapi({ description: 'Only lines of this level or a higher one.' }),
  agentName: z.string().default('all').openapi({ description: 'Only lines of this agent.' }),
  agentId: z.string().default('all').openapi({ description: 'Only lines of this agent.' }),
  limit: wholeNumber(
    `The newest lines; ${DEFAULT_ROWS} when absent, at most ${MAX_ROWS}. Oldest first.`,
  ),
})

type LogQuery = z.output<typeof logQuery>

function matcher(query: LogQuery): (line: LogLine) => boolean {
  const { agentName, agentId, level } = query
  const since = query.since ?? Date.now() - DEFAULT_AGE_MS
  const minLevel = level === 'all' ? 0 : LOG_LEVELS[level]
  return (line) =>
    line.time >= since &&
    line.level >= minLevel &&
    (agentName === 'all' || line.agentName === agentName) &&
    (agentId === 'all' || line.agentId === agentId)
}

function page(lines: readonly LogLine[], query: LogQuery) {
  const limit = Math.min(query.limit ?? DEFAULT_ROWS, MAX_ROWS)
  const logs = limit === 0 ? [] : lines.filter(matcher(query)).slice(-limit)
  const { level, agentName, agentId } = query
  return {
    logs,
    count: logs.length,
    total: lines.length,
    requestedLevel: level,
    agentName,
    agentId,
    levels: LOG_LEVEL_NAMES,
  }
}

const pageSchema = z
  .object({
    logs: z.array(
      z.object({ time: z.number(), level: z.number(), msg: z.string() }).catchall(z.unknown()),
    ),
    count: z.number(),
    total: z.number(),
    requestedLevel: z.string(),
    agentName: z.string(),
    agentId: z.string(),
    levels: z.array(z.string()),
  })
  .openapi('LogPage')

/** The server's own last log lines. */
export function logEndpoints(cluster: Cluster): readonly Endpoint[] {
  const reading = (method: 'get' | 'post'): Endpoint =>
    endpoint({
      method,
      path: PATH,
      tag,
      summary: `Read the server's log${method === 'post' ? ' (a body is ignored)' : ''}`,
      access: 'admin',
      query: logQuery,
      success: {
        status: 200,
        description: 'Lines of all processes, from a bounded buffer.',
        schema: pageSchema,
      },
      errors: ['INVALID_PAYLOAD', 'OVERLOADED'],
      handle: async ({ query }) => plain(page(await cluster.logs(), query)),
    })
  return [
    reading('get'),
    reading('post'),
    endpoint({
      method: 'delete',
      path: PATH,
      tag,
      summary: "Clear the server's log buffer",
      access: 'admin',
      success: {
        status: 200,
        description: 'Cleared.',
        schema: z.object({ status: z.string(), message: z.string() }),
        example: { status: 'success', message: 'Logs cleared successfully' },
      },
      errors: ['OVERLOADED'],
      handle: async () => {
        await cluster.clearLogs()
        return plain({ status: 'success', message: 'Logs cleared successfully' })
      },
    }),
  ]
}
