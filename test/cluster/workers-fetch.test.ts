import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { workerFolder } from './support/worker-folder.ts'
import type { WorkerFolder } from './support/worker-folder.ts'

const ECHO = `
  const encoder = new TextEncoder()
  const open = new Map()
  export default {
    async fetch(request, env, ctx) {
      const url = new URL(request.url)
      const what = url.pathname.split('/')[3]
      switch (what) {
        case 'mirror':
          return new Response(request.body, { headers: { 'content-type': request.headers.get('content-type') ?? 'none', 'x-method': request.method, 'x-url': request.url, 'x-custom': request.headers.get('x-custom') ?? '' } })
        case 'stream': {
          const id = url.searchParams.get('id')
          ctx.signal.addEventListener('abort', () => console.log('aborted ' + id))
          return new Response(new ReadableStream({
            start(controller) { open.set(id, controller); controller.enqueue(encoder.encode('data: 0\\n\\n')) },
            cancel() { console.log('cancelled ' + id); open.delete(id) },
          }), { headers: { 'content-type': 'text/event-stream' } })
        }
        case 'push': {
          const controller = open.get(url.searchParams.get('id'))
          controller.enqueue(encoder.encode('data: ' + url.searchParams.get('text') + '\\n\\n'))
          if (url.searchParams.has('last')) controller.close()
          return new Response(null, { status: 204 })
        }
        case 'slow':
          await new Promise((resolve) => { open.set('slow', resolve); ctx.signal.addEventListener('abort', () => { console.log('slow aborted'); resolve() }) })
          return new Response('late')
        case 'framing':
          return new Response('0123456789', { headers: { 'content-length': '3', connection: 'close', 'transfer-encoding': 'identity', 'keep-alive': 'timeout=1', upgrade: 'h2c', trailer: 'x' } })
        case 'cookies': {
          const headers = new Headers({ 'x-one': '1' })
          headers.append('set-cookie', 'a=1; Path=/')
          headers.append('set-cookie', 'b=2')
          return new Response(null, { status: 304, headers })
        }
        case 'reads': return new Response(String((await request.text()).length))
        case 'throw': throw new Error('a secret of the worker')
        case 'throw-text': throw 'a secret of the worker'
        case 'nothing': return undefined
        case 'text': return 'a text'
        case 'error': return Response.error()
        case 'used': { const answer = new Response('read already'); await answer.text(); return answer }
        case 'objects': return new Response(new ReadableStream({ start(controller) { controller.enqueue({ a: 1 }); controller.close() } }))
        case 'breaks': return new Response(new ReadableStream({ async pull(controller) { controller.enqueue(encoder.encode('part')); await new Promise((resolve) => setTimeout(resolve, 50)); controller.error(new Error('broke')) } }))
        case 'ignores': return new Response('did not read')
        case 'exit': process.exit(1)
        case 'stray': setTimeout(() => { throw new Error('from a timer') }); void Promise.reject(new Error('from a promise')); return new Response('ok')
        case 'pid': return new Response(String(process.pid))
      }
      return new Response('ok')
    },
  }`

describe('fetch of a worker', () => {
  let folder: WorkerFolder
  let server: TestServer

  beforeAll(async () => {
    const silent = 'export default { scheduled() {} }'
    folder = await workerFolder({ 'echo.js': ECHO, 'silent.js': silent })
    server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '2',
      PARLEY_AGENT_HOSTS: '1',
    })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const at = (path: string): string => `${server.url}/workers/echo/${path}`
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(at(path), init)

  it('gets method, URL, headers and body as the client sent them, and its own answer reaches the client', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'OPTIONS']) {
      const body = 'x'.repeat(200_000) + 'é'
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-custom': 'one, two' }
      const answer = await ask('mirror?a=1&b=%2F', { method, body, headers })
      expect(answer.headers.get('x-method')).toBe(method)
      expect(answer.headers.get('x-url')).toBe(at('mirror?a=1&b=%2F'))
      expect(answer.headers.get('x-custom')).toBe('one, two')
      expect(await answer.text()).toBe(body)
    }
    const got = await ask('mirror')
    expect([got.status, got.headers.get('x-method'), await got.text()]).toEqual([200, 'GET', ''])
    const head = await ask('framing', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const cookies = await ask('cookies')
    expect([cookies.status, cookies.headers.getSetCookie()]).toEqual([304, ['a=1; Path=/', 'b=2']])
  })

  it('streams both ways: each piece arrives before the next one is sent', async () => {
    const events = await ask('stream?id=live')
    expect(events.headers.get('content-type')).toBe('text/event-stream')
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect(await reader.read()).toEqual({ done: false, value: 'data: 0\n\n' })
    for (const text of ['1', '2']) {
      await ask(`push?id=live&text=${text}`)
      expect(await reader.read()).toEqual({ done: false, value: `data: ${text}\n\n` })
    }
    await ask('push?id=live&text=3&last')
    expect(await reader.read()).toMatchObject({ value: 'data: 3\n\n' })
    expect(await reader.read()).toMatchObject({ done: true })

    const upload = httpRequest(at('mirror'), { method: 'POST' })
    const pieces: string[] = []
    upload.write('one')
    const [mirrored] = (await once(upload, 'response')) as [IncomingMessage]
    mirrored.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece))
    await eventually(() => pieces.join('') === 'one', { what: 'the first piece back' })
    upload.end('two')
    await once(mirrored, 'end')
    expect(pieces.join('')).toBe('onetwo')
  })

  it('is told when the client goes, before the answer and in its middle', async () => {
    const leaving = new AbortController()
    const events = await ask('stream?id=left', { signal: leaving.signal })
    await events.body!.getReader().read()
    const waiting = ask('slow', { signal: leaving.signal })
    const gone = waiting.catch((error: unknown) => error)
    await eventually(
      async () =>
        (await server.processes()).some(
          ({ connections, role }) => role === 'agent-host' && connections >= 2,
        ),
      { what: 'both requests under way' },
    )
    leaving.abort()
    await gone
    await server.process.logged('cancelled left')
    await server.process.logged('aborted left')
    await server.process.logged('slow aborted')
  })

  it('cannot break the framing of the client’s connection', async () => {
    const socket = connect(server.port, '127.0.0.1')
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => (received += text))
    const head = `Host: 127.0.0.1:${server.port}\r\n`
    socket.write(
      `GET /workers/echo/framing HTTP/1.1\r\n${head}\r\n` +
        `POST /workers/echo/ignores HTTP/1.1\r\n${head}Content-Length: 30\r\n\r\n` +
        `GET /healthz HTTP/1.1\r\n\r\n12345` +
        `GET /healthz HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    )
    await once(socket, 'close')
    const answers = received.split('HTTP/1.1 ').slice(1)
    expect(answers).toHaveLength(3)
    expect(answers[0]).toContain('0123456789')
    expect(answers[0]).not.toMatch(/content-length|upgrade:|trailer:|timeout=1\b|identity/i)
    expect(answers[1]).toContain('did not read')
    expect(answers[2]).toContain('"status":"ok"')
  })

  it('answers 500 without a word about why when it throws or returns nonsense', async () => {
    for (const what of ['throw', 'throw-text', 'nothing', 'text', 'error', 'used']) {
      const answer = await ask(what)
      expect([what, answer.status]).toEqual([what, 500])
      expect(await answer.json()).toEqual({
        success: false,
        error: { message: 'The worker failed.', code: 500 },
      })
    }
    const failed = server.lines.filter(({ msg }) => msg === 'worker failed')
    expect(JSON.stringify(failed)).toContain('a secret of the worker')
    expect(failed[0]).toMatchObject({ worker: 'echo', agentName: 'echo' })
    expect(server.process.line('worker answered nonsense')).toBeDefined()
    // What fails behind its head cannot be answered any more: it is cut, and not taken for complete.
    for (const what of ['objects', 'breaks'])
      await expect(ask(what).then((answer) => answer.text())).rejects.toThrow()
    expect(await (await ask('ok')).text()).toBe('ok')
  })

  it('is bounded, and answers in the envelope that everything here has', async () => {
    const refusals = [
      await fetch(`${server.url}/workers/nobody/x`),
      await fetch(`${server.url}/workers/silent`),
      await fetch(`${server.url}/workers/../workers/Echo`),
    ]
    for (const answer of refusals) {
      expect(answer.status).toBe(404)
      expect(await answer.json()).toEqual({
        success: false,
        error: { message: 'No worker of this name answers requests.', code: 404 },
      })
    }
    const announced = await ask('mirror', { method: 'POST', body: Buffer.alloc(2_097_153) })
    expect([announced.status, announced.headers.get('connection')]).toEqual([413, 'close'])
    // Far more than may come, and not without end: a client that goes on asking for it must not fill the memory.
    let left = 200
    const pieces = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        left -= 1
        controller.enqueue(new Uint8Array(100_000))
        if (left === 0) controller.close()
      },
    })
    const endless = { method: 'POST', body: pieces, duplex: 'half' } as RequestInit
    // The answer, or a connection that broke under it: never a body that goes on.
    const cut = await ask('reads', endless).then(
      ({ status }) => status,
      () => 413,
    )
    expect(cut).toBe(413)
  })

  it('serves this machine only while nobody has to say who they are', async () => {
    const foreign = await ask('ok', { headers: { origin: 'https://elsewhere.example' } })
    const forwarded = await ask('ok', { headers: { 'x-forwarded-for': '192.0.2.1' } })
    for (const answer of [foreign, forwarded]) {
      expect(answer.status).toBe(403)
      expect(await answer.json()).toMatchObject({ success: false, error: { code: 403 } })
    }
  })

  it('goes on when a worker throws where nobody catches it, and says so', async () => {
    const before = await (await ask('pid')).text()
    await ask('stray')
    await eventually(
      () =>
        server.lines.filter(({ msg }) => msg === 'worker threw where nobody catches it').length >=
        2,
      { what: 'both errors in the log' },
    )
    expect(server.process.line('worker threw where nobody catches it')).toMatchObject({
      worker: 'echo',
    })
    expect(await (await ask('pid')).text()).toBe(before)
  })

  it('answers 502 when its process dies under it, 503 until another one serves, and then again', async () => {
    const [pid] = await server.pids('agent-host')
    const died = await ask('exit')
    expect([died.status, died.headers.get('retry-after')]).toEqual([502, '1'])
    expect(await died.json()).toMatchObject({ success: false, error: { code: 502 } })
    const between = await ask('ok')
    expect([between.status, between.headers.get('retry-after')]).toEqual([503, '1'])
    await server.healed([pid ?? 0])
    expect((await ask('ok')).status).toBe(200)
  })
})
