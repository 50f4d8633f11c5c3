import { z } from '@hono/zod-openapi'
import { HTTP_AGENT_FIELDS } from '../../../protocol/http-agent.ts'
import type { AgentDirectory } from '../../../service/agent-directory.ts'
import { compact } from '../../../util/compact.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, noContent, ok } from '../reply.ts'
import { agentExample, agentRowSchema } from '../row-schemas.ts'
import { fullAgentRow } from '../rows.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Agents'
const AGENT = '/api/agents/{agentId}'

const params = z.object({ agentId: id('Agent.', EXAMPLE.agent) })
const invalid = { params: 'Invalid agent ID format' } as const

const fields = {
  name: HTTP_AGENT_FIELDS.name.clone().openapi({ example: 'Support' }),
  url: HTTP_AGENT_FIELDS.url.clone().openapi({
    description:
      'What is called with each message; https, and public, where the server is not set to allow others.',
    example: 'https://agents.example/support',
  }),
  secret: HTTP_AGENT_FIELDS.secret.clone().openapi({
    description:
      'With which calls are signed, as Standard Webhooks has it: whsec_ and base64. Never shown again.',
  }),
  bio: HTTP_AGENT_FIELDS.bio.clone().openapi({ example: 'Knows the manual.' }),
}

const { name, url, secret, bio } = fields

const newAgent = z.object({
  name,
  url,
  id: id('Derived from the name when absent.', EXAMPLE.agent).optional(),
  secret: secret.optional(),
  bio: bio.optional(),
})

const changedAgent = z
  .object({ name, url, secret, bio })
  .partial()
  .refine((named) => Object.values(named).some((value) => value !== undefined), {
    message: 'nothing to change is named',
  })

const example = { ...agentExample, url: 'https://agents.example/support' }

const COMMAND_ERRORS = [
  'INVALID_PAYLOAD',
  'OVERLOADED',
  'WRITER_UNAVAILABLE',
  'STORAGE_FULL',
] as const

function addition(directory: AgentDirectory): Endpoint {
  return endpoint({
    method: 'post',
    path: '/api/agents',
    tag,
    summary: 'Add an agent that is called over HTTP',
    description:
      'It answers in every channel in which it takes part, from then on. Each message is posted to its URL, signed; the README says how it answers.',
    access: 'admin',
    body: newAgent,
    invalid: { body: whenMissing('Missing required fields: name, url') },
    bodyExample: { name: 'Support', url: 'https://agents.example/support' },
    success: {
      status: 201,
      description: 'The agent; with its secret where none was given, this once.',
      schema: envelope(agentRowSchema.extend({ secret: z.string().optional() })),
      example: {
        success: true,
        data: { ...example, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
      },
    },
    errors: [...COMMAND_ERRORS, 'AGENT_EXISTS', 'TOO_MANY_AGENTS'],
    handle: async ({ body }) => {
      const { secret: drawn, ...agent } = await directory.create(body)
      const row = fullAgentRow(agent)
      return created(drawn === undefined ? row : { ...row, secret: drawn })
    },
  })
}

function changes(directory: AgentDirectory): Endpoint[] {
  const common = {
    tag,
    access: 'admin',
    path: AGENT,
    params,
    errors: [...COMMAND_ERRORS, 'AGENT_NOT_FOUND', 'AGENT_PROTECTED'],
  } as const
  return [
    endpoint({
      ...common,
      method: 'patch',
      summary: 'Change an agent that was added',
      description: 'What is not named stays. Its id stays as well, whatever its name.',
      body: changedAgent,
      invalid,
      bodyExample: { url: 'https://agents.example/v2' },
      success: {
        status: 200,
        description: 'The agent as it is now.',
        schema: envelope(agentRowSchema),
        example: { success: true, data: example },
      },
      handle: async ({ params: { agentId }, body }) =>
        ok(fullAgentRow(await directory.update(agentId, compact(body)))),
    }),
    endpoint({
      ...common,
      method: 'delete',
      summary: 'Delete an agent that was added',
      description: 'With what it gave up. What it said stays, and so does its place in channels.',
      invalid,
      success: { status: 204, description: 'It is called no more.' },
      handle: async ({ params: { agentId } }) => {
        await directory.remove(agentId)
        return noContent()
      },
    }),
  ]
}

function switches(directory: AgentDirectory): Endpoint[] {
  const common = {
    tag,
    access: 'admin',
    method: 'post',
    params,
    invalid,
    errors: [...COMMAND_ERRORS, 'AGENT_NOT_FOUND', 'TOO_MANY_AGENTS'],
  } as const
  return [
    endpoint({
      ...common,
      path: `${AGENT}/start`,
      summary: 'Start a stopped agent',
      description:
        'Of any kind. It answers what is said from now on, and not what was said meanwhile.',
      success: {
        status: 200,
        description: 'The agent, active.',
        schema: envelope(agentRowSchema),
        example: { success: true, data: example },
      },
      handle: async ({ params: { agentId } }) => ok(fullAgentRow(await directory.start(agentId))),
    }),
    endpoint({
      ...common,
      path: `${AGENT}/stop`,
      summary: 'Stop an agent',
      description:
        'Of any kind, and until it is started, also after a restart. It stays where it takes part.',
      success: {
        status: 200,
        description: 'The agent, inactive.',
        schema: envelope(agentRowSchema),
        example: { success: true, data: { ...example, status: 'inactive' } },
      },
      handle: async ({ params: { agentId } }) => ok(fullAgentRow(await directory.stop(agentId))),
    }),
  ]
}

/** Who is an agent of this server, and who of them runs. */
export function agentChangeEndpoints(directory: AgentDirectory): readonly Endpoint[] {
  return [addition(directory), ...changes(directory), ...switches(directory)]
}
