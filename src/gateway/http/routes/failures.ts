import { z } from '@hono/zod-openapi'
import { LIMITS } from '../../../protocol/limits.ts'
import type { Cluster } from '../../../service/cluster.ts'
import { agentIdOfWorker } from '../../../service/running-agents.ts'
import type { Services } from '../../../service/services.ts'
import { compact } from '../../../util/compact.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { noContent, ok } from '../reply.ts'
import { whole } from '../page-query.ts'
import { failureRowSchema } from '../row-schemas.ts'
import { failureRow } from '../rows.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Workers'
const FAILURES = '/api/workers/{name}/failures'

const workerParams = z.object({
  name: z.string().openapi({ description: 'Worker.', example: 'support' }),
})
const failureParams = workerParams.extend({ messageId: id('Message.', EXAMPLE.message) })

const listQuery = z.object({
  limit: whole(
    `Rows; ${LIMITS.defaultPageRows} when absent, at most ${LIMITS.maxPageRows}, to which more is cut.`,
  ),
  before: whole('Only messages with a smaller `place`: that of the last row, for the next page.'),
})

const COMMAND_ERRORS = [
  'INVALID_PAYLOAD',
  'WORKER_NOT_FOUND',
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

function changes(cluster: Cluster, { failures }: Services): Endpoint[] {
  const common = { tag, access: 'admin', params: failureParams, errors: COMMAND_ERRORS } as const
  return [
    endpoint({
      ...common,
      method: 'post',
      path: `${FAILURES}/{messageId}/retry`,
      summary: 'Have a worker try a message again',
      description:
        'With as many attempts as a new message has, as soon as the agent takes part in the channel; where they fail, too, it stays listed.',
      success: {
        status: 202,
        description: 'It will: this request, or one before it, asked for it.',
        schema: envelope(z.object({ messageId: z.string(), isRetrying: z.literal(true) })),
        example: { success: true, data: { messageId: EXAMPLE.message, isRetrying: true } },
      },
      handle: async ({ params: { name, messageId } }) => {
        await failures.retry(await agentIdOfWorker(cluster, name), messageId)
        return { ...ok({ messageId, isRetrying: true }), status: 202 }
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: `${FAILURES}/{messageId}`,
      summary: 'Discard a failure',
      description: 'The message itself stays where it is.',
      success: { status: 204, description: 'It is in the list no more.' },
      handle: async ({ params: { name, messageId } }) => {
        await failures.discard(await agentIdOfWorker(cluster, name), messageId)
        return noContent()
      },
    }),
  ]
}

/** The messages that workers gave up. */
export function failureEndpoints(cluster: Cluster, services: Services): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: FAILURES,
      tag,
      summary: 'List the messages that a worker gave up',
      description: 'Until they are tried again with success, discarded, or deleted.',
      access: 'admin',
      params: workerParams,
      query: listQuery,
      success: {
        status: 200,
        description: 'Newest messages first.',
        schema: envelope(z.object({ failures: z.array(failureRowSchema) })),
        example: { success: true, data: { failures: [failureExample] } },
      },
      errors: ['INVALID_PAYLOAD', 'WORKER_NOT_FOUND', 'OVERLOADED'],
      handle: async ({ params, query: { limit = LIMITS.defaultPageRows, before } }) => {
        const agentId = await agentIdOfWorker(cluster, params.name)
        const page = compact({ limit: Math.min(limit, LIMITS.maxPageRows), before })
        const failures = await services.failures.list(agentId, page)
        return ok({ failures: failures.map(failureRow) })
      },
    }),
    ...changes(cluster, services),
  ]
}
