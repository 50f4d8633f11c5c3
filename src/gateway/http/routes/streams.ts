import { z } from '@hono/zod-openapi'
import { STREAM_ENDS } from '../../../protocol/model.ts'
import type { Services } from '../../../service/services.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok } from '../reply.ts'
import { channelParams, envelope, EXAMPLE, id } from '../schemas.ts'

const cancelled = z.object({
  messageId: z.string().openapi({ example: EXAMPLE.message }),
  channelId: z.string().openapi({ example: EXAMPLE.channel }),
  state: z.enum(['waiting', 'thinking', 'streaming', ...STREAM_ENDS]).openapi({
    description:
      '`thinking`, `streaming`: it is told to end. `waiting`: no agent had begun, and none will. Anything else: it had ended, and stays so.',
  }),
})

/** Streams of agents: what participants may do about them. */
export function streamEndpoints(services: Services): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/api/messaging/channels/{channelId}/messages/{messageId}/cancel',
      tag: 'Messages',
      summary: 'Cancel what an agent is at',
      description:
        "Ends a stream, which stays as far as it was written, with `streamState: 'cancelled'`; or, with the id of a message, what agents do about it. Whoever runs it is told, also after a restart.",
      access: { channel: 'send' },
      params: channelParams.extend({
        messageId: id(
          'The message that the stream becomes, or the one that is answered.',
          EXAMPLE.message,
        ),
      }),
      invalid: { params: 'Invalid channelId or messageId' },
      success: {
        status: 200,
        description: 'Asked for; sockets see the end of it.',
        schema: envelope(cancelled),
      },
      errors: ['INVALID_PAYLOAD', 'STREAM_NOT_FOUND'],
      handle: async ({ params, guard }) => ok(await services.streams.cancel({ ...params, guard })),
    }),
  ]
}
