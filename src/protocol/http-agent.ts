import { z } from 'zod'
import { idSchema } from './ids.ts'
import { LIMITS } from './limits.ts'

/** An agent that is called over HTTP. */
export interface HttpAgent {
  readonly name: string
  readonly url: string
  /** `whsec_…`, as Standard Webhooks has it. */
  readonly secret: string
  readonly bio?: string
}

/** Characters of the URL of an agent. */
const MAX_URL_LENGTH = 2_048
/** Bytes of a secret, as Standard Webhooks has them. */
const SECRET_BYTES = { min: 24, max: 64 } as const

const SECRET = /^whsec_([A-Za-z0-9+/]+)(={0,2})$/

const SECRET_RULE = `must be whsec_ and the base64 of ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes`

function isSecret(text: string): boolean {
  const [, digits = '', padding = ''] = SECRET.exec(text) ?? []
  if ((digits.length + padding.length) % 4 !== 0) return false
  const bytes = Math.floor((digits.length * 3) / 4)
  return bytes >= SECRET_BYTES.min && bytes <= SECRET_BYTES.max
}

const url = z
  .string('must be an address')
  .max(MAX_URL_LENGTH, `must be at most ${MAX_URL_LENGTH} characters`)
  .superRefine((text, context) => {
    const problem = urlProblem(text)
    if (problem !== undefined) context.addIssue(problem)
  })

/** What is wrong with the address of an agent, wherever it leads. */
function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an http or https URL'
  const { protocol, username, password, hash } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return 'must be an http or https URL'
  if (username !== '' || password !== '') return 'must not have a user name or password in it'
  return hash === '' ? undefined : 'must not have a fragment (#) in it'
}

/** The fields of an agent that is called over HTTP, wherever it is defined. */
export const HTTP_AGENT_FIELDS = {
  id: idSchema,
  name: z
    .string('must be a text')
    .min(1, 'must not be empty')
    .max(LIMITS.maxNameLength, `must be at most ${LIMITS.maxNameLength} characters`),
  url,
  secret: z.string(SECRET_RULE).refine(isSecret, SECRET_RULE),
  bio: z
    .string('must be a text')
    .max(LIMITS.maxBioLength, `must be at most ${LIMITS.maxBioLength} characters`),
} as const
