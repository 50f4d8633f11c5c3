import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AgentHosts } from '../../../../src/process/workers/agent-hosts.ts'
import { createRefuse } from '../../../../src/process/workers/refuse.ts'
import { isForWorkers, WorkerGate } from '../../../../src/process/workers/worker-gate.ts'
import type { WorkerGateOptions } from '../../../../src/process/workers/worker-gate.ts'

let folder: string
const servers: Server[] = []

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'parley-gate-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await rm(folder, { recursive: true, force: true })
})

/** Something that listens where an agent host would. */
async function openHost(id: string, listener: RequestListener): Promise<string> {
  const socketPath = path.join(folder, `${id}.sock`)
  const server = createServer(listener).listen(socketPath)
  servers.push(server)
  await once(server, 'listening')
  return socketPath
}

async function openGate(
  hosts: readonly { readonly id: string; readonly socketPath: string }[],
  options: Partial<WorkerGateOptions> = {},
): Promise<string> {
  const table = new AgentHosts()
  table.set(hosts)
  const gate = new WorkerGate({
    hosts: table,
    admit: () => undefined,
    refuse: createRefuse('*'),
    addressOf: () => undefined,
    trustProxy: 0,
    ...options,
  })
  const server = createServer((request, response) => {
    if (isForWorkers(request)) gate.serve(request, response)
    else response.end('not for workers')
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

it('answers 504 when a response does not begin in time, and tells the host that nobody waits any more', async () => {
  let gone: Promise<unknown> | undefined
  const socketPath = await openHost('slow', (_request, response) => {
    gone = once(response, 'close')
  })
  const url = await openGate([{ id: 'slow', socketPath }], { answerTimeoutMs: 50 })
  const answer = await fetch(`${url}/workers/a`, { method: 'POST', body: 'x' })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([504, '1'])
  await gone
})

it('lets a response that has begun last as long as it wants', async () => {
  const socketPath = await openHost('lasting', (_request, response) => {
    response.write('first ')
    setTimeout(() => response.end('last'), 150)
  })
  const url = await openGate([{ id: 'lasting', socketPath }], { answerTimeoutMs: 50 })
  expect(await (await fetch(`${url}/workers/a`)).text()).toBe('first last')
})

it('answers 503 when as many requests as may be are under way, and takes the next when one has ended', async () => {
  const waiting: (() => void)[] = []
  const socketPath = await openHost('busy', (_request, response) => {
    waiting.push(() => response.end('done'))
  })
  const url = await openGate([{ id: 'busy', socketPath }], { maxUnderWay: 1 })
  const first = fetch(`${url}/workers/a`)
  while (waiting.length === 0) await new Promise(setImmediate)
  const second = await fetch(`${url}/workers/a`)
  expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1'])
  waiting.shift()?.()
  expect(await (await first).text()).toBe('done')
  const third = fetch(`${url}/workers/a`)
  while (waiting.length === 0) await new Promise(setImmediate)
  waiting.shift()?.()
  expect((await third).status).toBe(200)
})

it('answers 429 where one address has as many requests under way as it may, and no other address is in its way', async () => {
  const waiting: (() => void)[] = []
  const socketPath = await openHost('shared', (_request, response) => {
    // The head alone: whoever does not read its body has it under way, too.
    response.write('done')
    waiting.push(() => response.end())
  })
  const url = await openGate([{ id: 'shared', socketPath }], {
    addressOf: ({ headers }) => headers['x-test-address']?.toString(),
    maxPerAddress: 2,
  })
  const ask = (address?: string) =>
    fetch(`${url}/workers/a`, {
      headers: address === undefined ? {} : { 'x-test-address': address },
    })
  const held = [await ask('192.0.2.1'), await ask('192.0.2.1')]
  const refused = await ask('192.0.2.1')
  expect([refused.status, await refused.json()]).toMatchObject([429, { success: false }])
  const others = [await ask('192.0.2.2'), await ask(), await ask(), await ask()]
  expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  for (const end of waiting.splice(0)) end()
  await Promise.all([...held, ...others].map((answer) => answer.text()))
  // The gate hears of their end a moment after whoever has read them.
  await vi.waitUntil(async () => (await ask('192.0.2.1')).status === 200)
})

it('asks another host, with the whole body, when one is not there any more, and says 503 when none is', async () => {
  const gone = { id: 'gone', socketPath: path.join(folder, 'gone.sock') }
  const socketPath = await openHost('here', (request, response) => {
    request.pipe(response)
  })
  const hosts = [gone, { id: 'here', socketPath }]
  const url = await openGate(hosts)
  const body = 'b'.repeat(500_000)
  // Picked at random: of so many, several came to the one that is gone first.
  for (let round = 0; round < 10; round += 1) {
    const answer = await fetch(`${url}/workers/a`, { method: 'POST', body })
    expect(await answer.text()).toBe(body)
  }
  const nobody = await openGate([gone])
  const refused = await fetch(`${nobody}/workers/a`, { method: 'POST', body })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
})

it('says whom the request came from: itself without a declared proxy, behind one in addition', async () => {
  const socketPath = await openHost('told', (request, response) => {
    response.end(JSON.stringify(request.headers))
  })
  const host = { id: 'told', socketPath }
  const headers = { 'x-forwarded-for': '192.0.2.7', 'x-parley-client-address': 'forged' }
  const told = async (trustProxy: number): Promise<unknown> => {
    const url = await openGate([host], { trustProxy })
    return (await fetch(`${url}/workers/a`, { headers })).json()
  }
  expect(await told(0)).toMatchObject({ 'x-forwarded-for': '127.0.0.1' })
  expect(await told(1)).toMatchObject({ 'x-forwarded-for': '192.0.2.7, 127.0.0.1' })
  expect(await told(1)).not.toHaveProperty('x-parley-client-address')
})

it('ends the client’s response in its middle when the host’s breaks, and keeps the gate open', async () => {
  const socketPath = await openHost('breaks', (request, response) => {
    if (request.url === '/workers/ok') response.end('ok')
    else response.write('part', () => response.destroy())
  })
  const url = await openGate([{ id: 'breaks', socketPath }])
  await expect(fetch(`${url}/workers/a`).then((answer) => answer.text())).rejects.toThrow()
  expect(await (await fetch(`${url}/workers/ok`)).text()).toBe('ok')
})

it('takes what does not speak HTTP for a host that was lost', async () => {
  const socketPath = path.join(folder, 'noise.sock')
  const noise = createServer()
  noise.on('connection', (socket) => socket.end('HTTP/1.1 101 Nonsense\r\nUpgrade: x\r\n\r\n'))
  noise.listen(socketPath)
  servers.push(noise)
  await once(noise, 'listening')
  const url = await openGate([{ id: 'noise', socketPath }])
  expect((await fetch(`${url}/workers/a`)).status).toBe(502)
})

it('reads no body that is announced as too long, and tells the client at once', async () => {
  let isAsked = false
  const socketPath = await openHost('unasked', (_request, response) => {
    isAsked = true
    response.end()
  })
  const url = await openGate([{ id: 'unasked', socketPath }])
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('POST /workers/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097153\r\n\r\n')
  const [head] = (await once(socket, 'data')) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1\.1 413 /)
  expect(isAsked).toBe(false)
  socket.destroy()
})
