import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WEBHOOK_LIMITS } from '../../src/agent/webhook/limits.ts'
import { WebhookCaller } from '../../src/agent/webhook/webhook-caller.ts'
import { HostList } from '../../src/util/addresses.ts'
import { SECRET } from './support/webhook-agent.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

let directory: string
let certificate: string
let server: Server
/** Names under which the server was called. */
const names: unknown[] = []

beforeAll(async () => {
  if (!hasOpenssl) return
  directory = mkdtempSync(join(tmpdir(), 'parley-tls-'))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const subject = ['-subj', '/CN=agent.example', '-addext', 'subjectAltName=DNS:agent.example']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' })
  certificate = readFileSync(cert, 'utf8')
  server = createServer({ key: readFileSync(key), cert: certificate }, (request, response) => {
    names.push([Reflect.get(request.socket, 'servername'), request.headers.host])
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(async () => {
  if (!hasOpenssl) return
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  rmSync(directory, { recursive: true, force: true })
})

/** What comes of a call of a name that is at the server's address. */
async function called(host: string, ca?: string): Promise<string> {
  const caller = new WebhookCaller({
    allow: new HostList(['127.0.0.1']),
    limits: WEBHOOK_LIMITS,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    ...(ca !== undefined && { ca }),
  })
  const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()))
  const { signal } = new AbortController()
  const call = {
    url: `https://${host}:${port}/hook`,
    secret: SECRET,
    id: 'msg_1',
    body: '{}',
    signal,
  }
  try {
    let status = 0
    await caller.call(call, async ({ response }) => {
      status = response.statusCode ?? 0
    })
    return String(status)
  } catch (error) {
    return String(error)
  } finally {
    caller.close()
  }
}

it.skipIf(!hasOpenssl)(
  'an agent is called under its name, whatever its address, and only with a certificate of that name (needs openssl)',
  async () => {
    expect(await called('agent.example', certificate)).toBe('204')
    const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()))
    expect(names).toEqual([['agent.example', `agent.example:${port}`]])
    expect(await called('other.example', certificate)).toMatch(/does not match certificate/)
    expect(await called('127.0.0.1', certificate)).toMatch(/does not match certificate/)
    expect(await called('agent.example')).toMatch(/self-signed certificate/)
    expect(names).toHaveLength(1)
  },
)
