import { Writable } from 'node:stream'
import { loadSettings } from '../../../src/config/load.ts'
import type { Environment } from '../../../src/config/load.ts'
import { createIdentity } from '../../../src/gateway/identity/identity.ts'
import type { Identity } from '../../../src/gateway/identity/identity.ts'
import { ChannelError } from '../../../src/protocol/errors.ts'
import type { Caller } from '../../../src/service/caller.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'

/** What proves who somebody is, as both edges have it; and all that it logged. */
export interface TestIdentity {
  readonly identity: Identity
  readonly logged: () => string
}

/** From an environment, as a server reads it; logs everything there is to log. */
export function identityWith(environment: Environment): TestIdentity {
  const loaded = loadSettings(environment)
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  let text = ''
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  })
  const logger = createLogger({ level: 'trace', role: 'gateway', destination })
  return { identity: createIdentity(loaded.settings, logger), logged: () => text }
}

/** The caller, or the code of the refusal. */
async function outcome(ask: () => Caller | Promise<Caller>): Promise<Caller | string> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ChannelError) return error.code
    throw error
  }
}

export const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })

/** What both edges make of a token; they must agree. */
export async function callerOf(
  { identity }: TestIdentity,
  token: string,
): Promise<Caller | string> {
  const [rest, auth, header] = await Promise.all([
    outcome(() => identity.callerOfRequest(bearer(token))),
    outcome(() => identity.callerOfHandshake({ token, entityId: 'somebody-else' }, {})),
    outcome(() => identity.callerOfHandshake({}, bearer(token))),
  ])
  const [one, ...others] = new Set([rest, auth, header].map((each) => JSON.stringify(each)))
  if (one === undefined || others.length > 0) {
    throw new Error(`the edges differ: ${one} ${others.join(' ')}`)
  }
  return rest
}

/** What a handshake is told, or whom it names. */
export async function handshake(
  { identity }: TestIdentity,
  auth: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { role, entityId } = await identity.callerOfHandshake(auth, headers)
    return `${role} ${entityId}`
  } catch (error) {
    return error instanceof ChannelError ? error.message : String(error)
  }
}
