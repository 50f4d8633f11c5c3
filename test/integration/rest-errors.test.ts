import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { ChannelLog } from '../../src/log/log.ts'
import { ChannelError } from '../../src/protocol/errors.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const CHANNELS = '/api/messaging/channels'

/** The log, whose appends all fail. */
function failing(error: unknown): (log: ChannelLog) => ChannelLog {
  const append = async (): Promise<never> => {
    throw error
  }
  return (log) =>
    new Proxy(log, {
      get: (target, key) => {
        if (key === 'append') return append
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
}

async function chunked(server: RestServer, chunks: Iterable<string>) {
  const outgoing = request(`${server.url}${CHANNELS}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  })
  // The server may close the connection while we still send; the answer is what counts.
  outgoing.on('error', () => undefined)
  const answered = once(outgoing, 'response')
  for (const chunk of chunks) outgoing.write(chunk)
  outgoing.end()
  const [response]: IncomingMessage[] = await answered
  if (response === undefined) throw new Error('no response')
  const { connection } = response.headers
  return { status: response.statusCode, connection, body: JSON.parse(await text(response)) }
}

describe('a body', () => {
  it.each(['{bad json', '{"a":', 'NaN', '\u0000'])('that is %j is 400', async (body) => {
    await using server = await startRest()
    const answer = await server.call('POST', CHANNELS, body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ success: false, code: 'INVALID_JSON' })
  })

  it.each(['null', '[]', '"x"', '7', '{"__proto__":{"name":"x"}}'])(
    'of JSON that is no such object, %s, is 400',
    async (body) => {
      await using server = await startRest()
      const answer = await server.call('POST', CHANNELS, body)
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ success: false, code: 'INVALID_PAYLOAD' })
      expect(answer.body.details).toBeTypeOf('string')
    },
  )

  const tooLarge = JSON.stringify({ name: 'x'.repeat(LIMITS.maxBodyBytes) })

  it('over the bound is 413, announced or not', async () => {
    await using server = await startRest()
    const announced = await server.call('POST', CHANNELS, tooLarge)
    expect(announced.status).toBe(413)
    const expected = {
      success: false,
      error: 'request entity too large',
      code: 'PAYLOAD_TOO_LARGE',
    }
    expect(announced.body).toEqual(expected)
    const pieces = Array.from({ length: 40 }, () => 'x'.repeat(100_000))
    expect(await chunked(server, pieces)).toMatchObject({ status: 413, body: expected })
  })

  it('that was not read to its end ends the connection, and the answer says so', async () => {
    await using server = await startRest()
    const announced = await server.call('POST', CHANNELS, tooLarge)
    expect(announced.headers.get('connection')).toBe('close')
    const pieces = Array.from({ length: 40 }, () => 'x'.repeat(100_000))
    expect(await chunked(server, pieces)).toMatchObject({ status: 413, connection: 'close' })
    const read = await server.call('POST', CHANNELS, { name: 'x'.repeat(300) })
    expect(read.headers.get('connection')).toBe('keep-alive')
  })

  it('in chunks is read like any other', async () => {
    await using server = await startRest()
    const json = JSON.stringify({
      name: 'Übergrößenträger',
      message_server_id: '00000000-0000-0000-0000-000000000000',
      participantCentralUserIds: [],
    })
    const { status, body } = await chunked(server, json.match(/.{1,3}/gsu) ?? [])
    expect(status).toBe(201)
    expect(body.data.name).toBe('Übergrößenträger')
  })

  it.each(['text/plain', 'application/xml', 'application/jsonx'])(
    'of type %s is refused in every family alike',
    async (type) => {
      await using server = await startRest()
      for (const path of [CHANNELS, '/api/agents', '/api/server/logs']) {
        const answer = await server.call('POST', path, 'x', { 'content-type': type })
        expect(answer.status).toBe(400)
        expect(answer.body).toEqual({
          success: false,
          error: {
            code: 'INVALID_CONTENT_TYPE',
            message: 'Invalid or missing Content-Type header',
          },
        })
      }
    },
  )

  it.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'as a form lacks every field, and the answer says why: %s',
    async (type) => {
      await using server = await startRest()
      const answer = await server.call('POST', CHANNELS, 'name=a', { 'content-type': type })
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({
        code: 'INVALID_PAYLOAD',
        details: expect.stringContaining('send JSON with Content-Type: application/json'),
      })
      const wrong = await server.call('POST', CHANNELS, {}, { 'content-type': 'application/json' })
      expect(JSON.stringify(wrong.body)).not.toContain('Content-Type')
    },
  )

  it('may say its charset', async () => {
    await using server = await startRest()
    const type = { 'content-type': 'application/json; charset=utf-8' }
    const answer = await server.call('POST', CHANNELS, {}, type)
    expect(answer.body).toMatchObject({ code: 'INVALID_PAYLOAD' })
  })
})

describe('an unknown route', () => {
  it.each([
    ['GET', '/api/nope'],
    ['GET', '/nope'],
    ['PUT', `${CHANNELS}/room`],
    ['GET', '/api/messaging'],
    ['POST', '/healthz'],
    ['GET', '/docs/../package.json'],
    ['GET', '/docs/package.json'],
  ])('%s %s is 404 in the one envelope', async (method, path) => {
    await using server = await startRest()
    const answer = await server.call(method, path)
    expect(answer.status).toBe(404)
    expect(answer.body).toEqual({
      success: false,
      error: { message: 'API endpoint not found', code: 404 },
    })
  })
})

describe('a fault of the log', () => {
  const post = { author_id: 'a', content: 'x', message_server_id: 's' }

  it('shows nothing of its insides to the client, and everything to the log', async () => {
    const cause = new Error('SQLITE_IOERR: insert into entries at /var/lib/secret.db')
    await using server = await startRest({ wrapLog: failing(cause) })
    const answer = await server.call('POST', `${CHANNELS}/room/messages`, post)
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual({
      success: false,
      error: 'Internal server error',
      code: 'INTERNAL',
    })
    expect(server.lines).toMatchObject([
      { level: 50, msg: 'request failed', method: 'POST', err: { message: cause.message } },
    ])
  })

  it('that is no Error ends in the same funnel', async () => {
    await using server = await startRest({ wrapLog: failing({ sql: 'insert' }) })
    const answer = await server.call('POST', `${CHANNELS}/room/messages`, post)
    expect(answer.body).toMatchObject({ success: false, code: 'INTERNAL' })
    expect(server.lines).toMatchObject([{ level: 50, msg: 'request failed' }])
  })

  it.each(['OVERLOADED', 'WRITER_UNAVAILABLE'] as const)(
    '%s is 503 and says when to try again',
    async (code) => {
      await using server = await startRest({ wrapLog: failing(new ChannelError(code)) })
      const answer = await server.call('POST', `${CHANNELS}/room/messages`, post)
      expect(answer.status).toBe(503)
      expect(answer.body).toMatchObject({ success: false, code })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    },
  )
})
