import { z } from '@hono/zod-openapi'
import { DEFAULT_SERVER_ID } from '../../../protocol/limits.ts'
import type { Readiness } from '../../../service/cluster.ts'
import type { HttpDeps } from '../deps.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { plain } from '../reply.ts'
import type { Reply } from '../reply.ts'

const tag = 'Health'
const now = (): string => new Date().toISOString()

const dependencies = z.object({ agents: z.enum(['healthy', 'no_agents']) })
const healthFields = {
  status: z.string().openapi({ example: 'OK' }),
  version: z.string(),
  timestamp: z.string(),
  dependencies,
}

/** elizaOS calls a server without agents unhealthy; one that only carries messages is well. */
async function health(deps: HttpDeps) {
  const agents = await deps.services.servers.agents(DEFAULT_SERVER_ID)
  const state = agents.length > 0 ? 'healthy' : 'no_agents'
  return {
    body: {
      status: 'OK',
      version: deps.version,
      timestamp: now(),
      dependencies: { agents: state },
    },
    agentCount: agents.length,
  }
}

const NOBODY_ANSWERS: Readiness = { isReady: false, problems: ['the primary does not answer'] }

async function readiness({ cluster, logger }: HttpDeps): Promise<Reply> {
  const { isReady, problems } = await cluster.readiness().catch((error: unknown) => {
    // The primary answers over IPC; it is gone or too busy to answer in time.
    logger.warn({ err: error }, 'readiness unknown')
    return NOBODY_ANSWERS
  })
  const json = { status: isReady ? 'ready' : 'unavailable', problems }
  return isReady ? plain(json) : { status: 503, json, headers: { 'Retry-After': '1' } }
}

function probes(deps: HttpDeps): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/healthz',
      tag,
      summary: 'Whether this gateway serves',
      access: 'public',
      isProbe: true,
      isInfallible: true,
      success: {
        status: 200,
        description: 'It does.',
        schema: z.object({ status: z.literal('ok'), timestamp: z.string() }),
      },
      handle: () => plain({ status: 'ok', timestamp: now() }),
    }),
    endpoint({
      method: 'get',
      path: '/readyz',
      tag,
      summary: 'Whether the server may get traffic',
      description: 'What else is wrong is listed, too.',
      access: 'public',
      isProbe: true,
      isInfallible: true,
      success: {
        status: 200,
        description: 'It may.',
        schema: z.object({
          status: z.enum(['ready', 'unavailable']),
          problems: z.array(z.string()),
        }),
        example: { status: 'ready', problems: [] },
      },
      otherwise: {
        status: 503,
        description:
          'It may not: the writer is down, no gateway serves, the server drains, or nobody knows.',
        example: { status: 'unavailable', problems: ['the writer is down'] },
      },
      handle: () => readiness(deps),
    }),
  ]
}

/** Whether the server is well, for probes, load balancers and elizaOS clients. */
export function healthEndpoints(deps: HttpDeps): readonly Endpoint[] {
  return [
    ...probes(deps),
    endpoint({
      method: 'get',
      path: '/health',
      tag,
      summary: 'Health of the server',
      access: 'public',
      isProbe: true,
      success: {
        status: 200,
        description: 'With or without agents.',
        schema: z.object({ ...healthFields, agentCount: z.number() }),
      },
      handle: async () => {
        const { body, agentCount } = await health(deps)
        return plain({ ...body, agentCount })
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/server/health',
      tag,
      summary: 'Health of the server, for clients',
      access: 'caller',
      success: {
        status: 200,
        description: 'With or without agents.',
        schema: z.object(healthFields),
      },
      handle: async () => plain((await health(deps)).body),
    }),
    endpoint({
      method: 'get',
      path: '/api/server/status',
      tag,
      summary: 'Status of the server',
      access: 'admin',
      success: {
        status: 200,
        description: 'It runs.',
        schema: z.object({ status: z.string(), agentCount: z.number(), timestamp: z.string() }),
      },
      handle: async () => {
        const { agentCount } = await health(deps)
        return plain({ status: 'ok', agentCount, timestamp: now() })
      },
    }),
  ]
}
