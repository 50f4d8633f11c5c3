import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SignJWT } from 'jose'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { ServerProcess } from '../../cluster/support/server.ts'
import type { ProcessInfo, Role } from '../../cluster/support/server.ts'
import { asPayload } from './client.ts'
import type { ConnectOptions, Payload } from './client.ts'
import type { RestReply } from './rest.ts'

const SECRET = 'a secret of thirty-two bytes, and some more of them'
export const API_KEY = 'the-key'

/** What a token says beside who it is. */
export interface Claims {
  readonly role?: 'user' | 'agent' | 'admin'
  readonly channels?: Readonly<Record<string, readonly string[]>>
}

export interface CallOptions {
  /** Who asks, by token; the holder of the key where nobody is named. */
  readonly as?: string
  readonly claims?: Claims
  readonly body?: unknown
}

/** The real executable in identity's mode, with a key and a secret for tokens, on temporary data. */
export class TokenServer implements AsyncDisposable {
  readonly url: string
  readonly process: ServerProcess
  readonly #dataDir: string

  constructor(process: ServerProcess, place: { readonly url: string; readonly dataDir: string }) {
    this.url = place.url
    this.process = process
    this.#dataDir = place.dataDir
  }

  /** How somebody connects who shows a token. */
  async as(sub: string, claims: Claims = {}): Promise<ConnectOptions> {
    return { auth: { token: await tokenOf(sub, claims) } }
  }

  async call(call: string, { as, claims, body }: CallOptions = {}): Promise<RestReply> {
    const [method = 'GET', target = ''] = call.split(' ')
    const proof = as === undefined ? API_KEY : await tokenOf(as, claims)
    const response = await fetch(`${this.url}${target}`, {
      method,
      headers: { authorization: `Bearer ${proof}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const parsed: Payload = text === '' ? {} : asPayload(JSON.parse(text))
    return { status: response.status, body: parsed, data: asPayload(parsed['data']) }
  }

  /** The same for a call that must succeed. */
  async done(call: string, options: CallOptions = {}): Promise<RestReply> {
    const reply = await this.call(call, options)
    if (reply.status > 299) {
      throw new Error(`${call} answered ${reply.status}: ${JSON.stringify(reply.body)}`)
    }
    return reply
  }

  /** A channel with these in it; the first one owns it. Answers its id. */
  async channel(
    participants: readonly [string, ...string[]],
    visibility: 'public' | 'private' = 'private',
  ): Promise<string> {
    const { data } = await this.done('POST /api/messaging/channels', {
      as: participants[0],
      body: {
        name: 'a channel',
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: participants,
        visibility,
      },
    })
    return String(data['id'])
  }

  async pids(role: Role): Promise<readonly number[]> {
    const { data } = await this.done('GET /api/server/cluster')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own answer
    const processes = data['processes'] as readonly ProcessInfo[]
    return processes.filter((one) => one.role === role).map(({ pid }) => pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.child.kill('SIGTERM')
    await this.process.exited
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

function tokenOf(sub: string, { role = 'user', channels }: Claims = {}): Promise<string> {
  return new SignJWT({ role, ...(channels && { channels }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET))
}

export async function startTokenServer(gatewayCount: number): Promise<TokenServer> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
  const server = new ServerProcess({
    PARLEY_GATEWAYS: String(gatewayCount),
    PARLEY_AGENT_HOSTS: '0',
    PARLEY_DRAIN_MS: '0',
    PARLEY_DATA_DIR: dataDir,
    PARLEY_API_KEY: API_KEY,
    PARLEY_JWT_SECRET: SECRET,
  })
  const { url } = await server.logged('listening')
  return new TokenServer(server, { url: String(url), dataDir })
}
