import { z } from '@hono/zod-openapi'
import { LIMITS } from '../../../protocol/limits.ts'
import type { ErrorCode } from '../../../protocol/errors.ts'
import { agentIdOfWorker } from '../../../service/agent-directory.ts'
import type { AgentDirectory } from '../../../service/agent-directory.ts'
import type { Cluster } from '../../../service/cluster.ts'
import type { Services } from '../../../service/services.ts'
import { compact } from '../../../util/compact.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { noContent, ok } from '../reply.ts'
import { whole } from '../page-query.ts'
import { failureRowSchema } from '../row-schemas.ts'
import { failureRow } from '../rows.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const listQuery = z.object({
  limit: whole(
    `Rows; ${LIMITS.defaultPageRows} when absent, at most ${LIMITS.maxPageRows}, to which more is cut.`,
  ),
  before: whole('Only messages with a smaller `place`: that of the last row, for the next page.'),
})

const COMMAND_ERRORS = [
  'INVALID_PAYLOAD',
  'FAILURE_NOT_FOUND',
  'OVERLOADED',
  'WRITER_UNAVAILABLE',
  'STORAGE_FULL',
] as const

const failureExample = {
  messageId: EXAMPLE.message,
  channelId: EXAMPLE.channel,
  attempts: 3,
  reason: 'TypeError: fetch failed',
  failedAt: EXAMPLE.time,
  isRetrying: false,
  place: 1_042,
}

export interface FailureEndpointsDeps {
  readonly cluster: Cluster
  readonly directory: AgentDirectory
  readonly services: Services
}

/** The routes of what agents gave up, under one of the names that an agent has. */
interface Family {
  readonly tag: string
  readonly path: string
  /** The parameter of the path, and what it may be. */
  readonly parameter: string
  readonly schema: z.ZodType<string>
  readonly who: string
  readonly absent: ErrorCode
  readonly idOf: (named: string) => Promise<string>
}

function changes(family: Family, { failures }: Services): Endpoint[] {
  const { tag, path, parameter, schema, who, absent, idOf } = family
  const params = z.object({ [parameter]: schema, messageId: id('Message.', EXAMPLE.message) })
  const errors = [...COMMAND_ERRORS, absent]
  const common = { tag, access: 'admin', params, errors } as const
  return [
    endpoint({
      ...common,
      method: 'post',
      path: `${path}/{messageId}/retry`,
      summary: `Have ${who} try a message again`,
      description:
        'With as many attempts as a new message has, as soon as the agent takes part in the channel; where they fail, too, it stays listed.',
      success: {
        status: 202,
        description: 'It will: this request, or one before it, asked for it.',
        schema: envelope(z.object({ messageId: z.string(), isRetrying: z.literal(true) })),
        example: { success: true, data: { messageId: EXAMPLE.message, isRetrying: true } },
      },
      handle: async ({ params: { messageId = '', [parameter]: named = '' } }) => {
        await failures.retry(await idOf(named), messageId)
        return { ...ok({ messageId, isRetrying: true }), status: 202 }
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: `${path}/{messageId}`,
      summary: `Discard a failure of ${who}`,
      description: 'The message itself stays where it is.',
      success: { status: 204, description: 'It is in the list no more.' },
      handle: async ({ params: { messageId = '', [parameter]: named = '' } }) => {
        await failures.discard(await idOf(named), messageId)
        return noContent()
      },
    }),
  ]
}

function listing(family: Family, { failures }: Services): Endpoint {
  const { tag, path, parameter, schema, who, absent, idOf } = family
  return endpoint({
    method: 'get',
    path,
    tag,
    summary: `List the messages that ${who} gave up`,
    description: 'Until they are tried again with success, discarded, or deleted.',
    access: 'admin',
    params: z.object({ [parameter]: schema }),
    query: listQuery,
    success: {
      status: 200,
      description: 'Newest messages first.',
      schema: envelope(z.object({ failures: z.array(failureRowSchema) })),
      example: { success: true, data: { failures: [failureExample] } },
    },
    errors: ['INVALID_PAYLOAD', absent, 'OVERLOADED'],
    handle: async ({ params, query: { limit = LIMITS.defaultPageRows, before } }) => {
      const agentId = await idOf(params[parameter] ?? '')
      const page = compact({ limit: Math.min(limit, LIMITS.maxPageRows), before })
      const listed = await failures.list(agentId, page)
      return ok({ failures: listed.map(failureRow) })
    },
  })
}

const endpointsOf = (family: Family, services: Services): readonly Endpoint[] => [
  listing(family, services),
  ...changes(family, services),
]

/** The messages that agents gave up: by the worker's name where it is a module, and by the agent's id. */
export function failureEndpoints({
  cluster,
  directory,
  services,
}: FailureEndpointsDeps): readonly Endpoint[] {
  const families: readonly Family[] = [
    {
      tag: 'Workers',
      path: '/api/workers/{name}/failures',
      parameter: 'name',
      schema: z.string().openapi({ description: 'Worker.', example: 'support' }),
      who: 'a worker',
      absent: 'WORKER_NOT_FOUND',
      idOf: (name) => agentIdOfWorker(cluster, name),
    },
    {
      tag: 'Agents',
      path: '/api/agents/{agentId}/failures',
      parameter: 'agentId',
      schema: id('Agent.', EXAMPLE.agent),
      who: 'an agent',
      absent: 'AGENT_NOT_FOUND',
      idOf: async (agentId) => (await directory.get(agentId)).id,
    },
  ]
  return families.flatMap((family) => endpointsOf(family, services))
}
