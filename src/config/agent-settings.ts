import { z } from 'zod'
import { HTTP_AGENT_FIELDS } from '../protocol/http-agent.ts'
import { isHostOrRange } from '../util/addresses.ts'
import { setting, whole } from './setting.ts'

/** Agents in one setting. */
const MAX_AGENTS = 100

const LIST_RULE = 'must be a JSON list of {"name", "url", "secret"}, each also with "id" and "bio"'

const agentSchema = z.strictObject(
  {
    name: HTTP_AGENT_FIELDS.name,
    url: HTTP_AGENT_FIELDS.url,
    secret: HTTP_AGENT_FIELDS.secret,
    id: HTTP_AGENT_FIELDS.id.optional(),
    bio: HTTP_AGENT_FIELDS.bio.optional(),
  },
  { error: ({ code }) => (code === 'invalid_type' ? LIST_RULE : undefined) },
)

/** An agent of the settings; without an id its name says which. */
type SettingsAgent = z.output<typeof agentSchema>

const agentsSchema = z
  .array(agentSchema, LIST_RULE)
  .max(MAX_AGENTS, `must be at most ${MAX_AGENTS} agents`)
  .superRefine((agents, context) => {
    const seen = new Set<string>()
    for (const { name, id } of agents) {
      for (const key of new Set([`name ${name}`, `id ${id ?? `of ${name}`}`])) {
        if (seen.has(key)) context.addIssue(`more than one has the ${key}`)
        seen.add(key)
      }
    }
  })

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // It is no list either, which is what is said.
    return undefined
  }
}

/** One message for each problem, with the place where it is: `0.url: must be …`. */
const agentList = z.string().transform((text, context): readonly SettingsAgent[] => {
  const result = agentsSchema.safeParse(parseJson(text))
  if (result.success) return result.data
  for (const { path, message } of result.error.issues) {
    context.addIssue({
      code: 'custom',
      message: [path.join('.'), message].filter(Boolean).join(': '),
    })
  }
  return []
})

const hostList = z.string().transform((text, context): readonly string[] => {
  const entries = text.split(',').map((entry) => entry.trim())
  const wrong = entries.filter((entry) => !isHostOrRange(entry))
  for (const entry of wrong) {
    const message = `${JSON.stringify(entry)} must be a host name, an address or a range such as 10.0.0.0/8`
    context.addIssue({ code: 'custom', message })
  }
  return entries
})

/** How agents are run, and those that are called over HTTP. */
export const AGENT_SETTINGS = {
  agentTimeoutMs: setting({
    env: ['PARLEY_AGENT_TIMEOUT_MS'],
    schema: whole(100, 86_400_000).default(300_000),
    shown: '300000',
    help: 'Milliseconds that an agent has for one message. Past it `ctx.signal` is aborted, its stream ends as failed, and the run has failed.',
  }),
  maxAgentTurns: setting({
    env: ['PARLEY_MAX_AGENT_TURNS'],
    schema: whole(0, 1_000).default(4),
    shown: '4',
    help: 'Turns of agents among themselves since a person spoke. Past it they are silent, and the log says so; with 0 they never answer each other.',
  }),
  agentHeapMb: setting({
    env: ['PARLEY_AGENT_HEAP_MB'],
    schema: whole(64, 1_048_576).default(512),
    shown: '512',
    help: 'Megabytes of JavaScript heap of each agent host; buffers and all else included, it may take twice as much and 256. Past it the process ends and is replaced; a message at which that happens three times is set aside.',
  }),
  agents: setting({
    env: ['PARLEY_AGENTS'],
    schema: agentList.default([]),
    shown: '',
    isSecret: true,
    help: 'Agents that are called over HTTP: a JSON list of `{"name", "url", "secret", "id"?, "bio"?}`, with a secret `whsec_…` as Standard Webhooks has it.',
  }),
  webhookAllow: setting({
    env: ['PARLEY_WEBHOOK_ALLOW'],
    schema: hostList.default([]),
    shown: '',
    help: 'Comma-separated host names, addresses and ranges (`127.0.0.1/32`) at which agents may be called although they are not public, and without TLS.',
  }),
} as const
