import { z } from '@hono/zod-openapi'
import type { HttpDeps } from '../deps.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok, plain } from '../reply.ts'
import { serverRowSchema } from '../row-schemas.ts'
import { serverRow } from '../rows.ts'
import { envelope } from '../schemas.ts'

const tag = 'System'

const processSchema = z
  .object({
    role: z.enum(['primary', 'writer', 'gateway', 'agent-host']),
    pid: z.number(),
    uptimeMs: z.number(),
    connections: z.number(),
  })
  .openapi('Process')

function greetings(): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/server/ping',
      tag,
      summary: 'Ping',
      access: 'caller',
      success: {
        status: 200,
        description: 'Pong, with the time in epoch ms.',
        schema: z.object({ pong: z.literal(true), timestamp: z.number() }),
      },
      handle: () => plain({ pong: true, timestamp: Date.now() }),
    }),
    endpoint({
      method: 'get',
      path: '/api/server/hello',
      tag,
      summary: 'A greeting',
      access: 'caller',
      success: {
        status: 200,
        description: 'The greeting.',
        schema: z.object({ message: z.string() }),
        example: { message: 'Hello World!' },
      },
      handle: () => plain({ message: 'Hello World!' }),
    }),
  ]
}

function parts({ services, cluster }: HttpDeps): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/server/cluster',
      tag,
      summary: 'The processes of the server',
      access: 'admin',
      success: {
        status: 200,
        description: 'All of them.',
        schema: envelope(z.object({ processes: z.array(processSchema) })),
      },
      errors: ['OVERLOADED'],
      handle: async () => ok({ processes: await cluster.processes() }),
    }),
    endpoint({
      method: 'get',
      path: '/api/server/debug/servers',
      tag,
      summary: 'Message servers, counted',
      access: 'admin',
      success: {
        status: 200,
        description: 'All of them.',
        schema: z.object({
          success: z.literal(true),
          servers: z.array(serverRowSchema),
          count: z.number(),
        }),
      },
      handle: async () => {
        const servers = await services.servers.list()
        return plain({ success: true, servers: servers.map(serverRow), count: servers.length })
      },
    }),
  ]
}

function identity({ version, settings }: HttpDeps): Endpoint[] {
  const requiresAuth = settings.jwtSecret !== undefined || settings.jwksUrl !== undefined
  return [
    endpoint({
      method: 'get',
      path: '/api/system/version',
      tag,
      summary: 'Version of the server',
      access: 'caller',
      success: {
        status: 200,
        description: 'Version and uptime in seconds.',
        schema: z.object({
          version: z.string(),
          source: z.string(),
          timestamp: z.string(),
          environment: z.string(),
          uptime: z.number(),
        }),
      },
      handle: () =>
        plain({
          version,
          source: 'server',
          timestamp: new Date().toISOString(),
          environment: 'production',
          uptime: process.uptime(),
        }),
    }),
    endpoint({
      method: 'get',
      path: '/api/system/config',
      tag,
      summary: 'What a client must know before it signs in',
      // Whoever has no token yet asks here what to come with; with a key alone it is asked for here, too.
      access: requiresAuth ? 'public' : 'caller',
      success: {
        status: 200,
        description: 'Whether users come with tokens.',
        schema: envelope(z.object({ requiresAuth: z.boolean() })),
        example: { success: true, data: { requiresAuth } },
      },
      handle: () => ok({ requiresAuth }),
    }),
  ]
}

/** The server itself. */
export function systemEndpoints(deps: HttpDeps): readonly Endpoint[] {
  return [...greetings(), ...parts(deps), ...identity(deps)]
}

/** Stopping the server, which open mode does not offer: anyone on the machine could. */
export function stopEndpoint({ cluster, logger }: HttpDeps): Endpoint {
  return endpoint({
    method: 'post',
    path: '/api/server/stop',
    tag,
    summary: 'Drain and stop the server',
    access: 'admin',
    description: 'As SIGTERM does. Exists only where a key or token is asked for.',
    success: {
      status: 200,
      description: 'It has begun.',
      schema: z.object({ message: z.string() }),
      example: { message: 'Server stopping...' },
    },
    handle: () => {
      logger.info({}, 'stop requested over http')
      cluster.stop()
      return plain({ message: 'Server stopping...' })
    },
  })
}
