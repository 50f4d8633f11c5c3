import { z } from '@hono/zod-openapi'
import type { Cluster } from '../../../service/cluster.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok } from '../reply.ts'
import { envelope, EXAMPLE } from '../schemas.ts'

const workerSchema = z
  .object({
    name: z.string(),
    file: z.string().nullable(),
    agent: z.object({ id: z.string(), name: z.string(), bio: z.string().optional() }).nullable(),
    handlers: z.array(z.string()),
    problem: z.string().optional(),
  })
  .openapi('Worker')

/** The modules of the workers folder, and the elizaOS runtimes beside it. */
export function workerEndpoints(cluster: Cluster): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/workers',
      tag: 'Workers',
      summary:
        'The modules of the workers folder, and what is wrong with them; elizaOS runtimes, too',
      access: 'admin',
      success: {
        status: 200,
        description: 'All of them; those with a problem do not serve. A runtime has no file.',
        schema: envelope(z.object({ workers: z.array(workerSchema) })),
        example: {
          success: true,
          data: {
            workers: [
              {
                name: 'support',
                file: 'support.ts',
                agent: { id: EXAMPLE.agent, name: 'Support' },
                handlers: ['fetch', 'scheduled'],
              },
              {
                name: 'draft',
                file: 'draft.ts',
                agent: null,
                handlers: [],
                problem: 'there is no default export',
              },
            ],
          },
        },
      },
      errors: ['OVERLOADED'],
      handle: async () => ok({ workers: await cluster.workers() }),
    }),
  ]
}
