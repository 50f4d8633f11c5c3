import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectLink } from '../../../src/ipc/connect.ts'
import { encodeFrame } from '../../../src/ipc/frames.ts'
import { LINK_PROTOCOL_VERSION, LinkRefusedError } from '../../../src/ipc/hello.ts'
import type { FramedLink } from '../../../src/ipc/link.ts'
import { listenLinks } from '../../../src/ipc/listen.ts'
import type { LinkServer, ListenLinksOptions } from '../../../src/ipc/listen.ts'
import { ReconnectingLink } from '../../../src/ipc/reconnecting-link.ts'
import { loggedProblem } from '../../contract/support/logged-problem.ts'

const TEXT = 100
const OTHER = 101
const self = { role: 'gateway', id: 'gateway-1' }
const hello = encodeFrame(0, JSON.stringify({ protocol: LINK_PROTOCOL_VERSION, ...self }))

const closed = (link: FramedLink): Promise<string> =>
  new Promise((resolve) => {
    link.onClose(resolve)
  })
const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('close', () => resolve()).resume()
  })

describe('links', () => {
  let directory: string
  let path: string
  let servers: LinkServer[]
  let accepted: FramedLink[]

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'parley-ipc-'))
    path = join(directory, 's.sock')
    servers = []
    accepted = []
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()))
    rmSync(directory, { recursive: true })
  })

  async function listen(options: Partial<ListenLinksOptions> = {}): Promise<LinkServer> {
    const server = await listenLinks({
      path,
      self: { role: 'writer', id: 'writer-1' },
      onLink: (link) => {
        accepted.push(link)
        options.onLink?.(link)
      },
      ...(options.limits !== undefined && { limits: options.limits }),
      ...(options.protocol !== undefined && { protocol: options.protocol }),
      ...(options.maxLinks !== undefined && { maxLinks: options.maxLinks }),
    })
    servers.push(server)
    return server
  }

  it('introduce both sides and carry frames of several kinds in order, both ways', async () => {
    await listen({
      onLink: (link) => {
        link.send(TEXT, 'welcome')
        link.handle(TEXT, (payload) => link.send(OTHER, `text ${payload.toString()}`))
        link.handle(OTHER, (payload) => link.send(TEXT, `other ${payload.toString()}`))
      },
    })
    const link = await connectLink({ path, self })
    expect(link.peer).toEqual({ role: 'writer', id: 'writer-1' })
    expect(accepted[0]?.peer).toEqual(self)

    const seen: string[] = []
    const done = new Promise<void>((resolve) => {
      const take = (payload: Buffer): void => {
        seen.push(payload.toString())
        if (seen.length === 4) resolve()
      }
      link.handle(TEXT, take)
      link.handle(OTHER, take)
    })
    link.start()
    link.send(TEXT, '1')
    link.send(OTHER, '2')
    link.send(TEXT, '3')
    await done
    expect(seen).toEqual(['welcome', 'text 1', 'other 2', 'text 3'])
    link.destroy('done')
  })

  it('close with a reason when a version differs: full restart needed', async () => {
    await listen({ protocol: 7 })
    const attempt = connectLink({ path, self, protocol: 8 })
    await expect(attempt).rejects.toThrow(LinkRefusedError)
    await expect(attempt).rejects.toThrow('full restart needed')
    expect(accepted).toEqual([])
  })

  it('are closed when the peer does not begin with a hello, or says nothing', async () => {
    await listen({ limits: { helloTimeoutMs: 50 } })
    const garbage = createConnection(path)
    garbage.write('GET / HTTP/1.1\r\n\r\n')
    const early = createConnection(path)
    early.write(encodeFrame(TEXT, 'early'))
    const silent = createConnection(path)
    await Promise.all([ended(garbage), ended(early), ended(silent)])
    expect(accepted).toEqual([])
  })

  it('are closed by a frame above the bound and by an unknown kind', async () => {
    await listen({ limits: { maxFrameBytes: 1_000 } })
    for (const frame of [encodeFrame(TEXT, 'x'.repeat(1_001)), encodeFrame(OTHER, 'x')]) {
      const link = await connectLink({ path, self })
      accepted.at(-1)?.handle(TEXT, () => undefined)
      link.start()
      link.sendFrame(frame)
      await closed(link)
    }
    expect(accepted).toHaveLength(2)
  })

  it('leave the sender when the peer leaves more than the bound unread', async () => {
    const maxBufferedBytes = 1_000_000
    await listen({ limits: { maxBufferedBytes } })
    const reader = createConnection(path)
    reader.write(hello)
    await new Promise((resolve) => {
      reader.once('data', resolve)
    })
    reader.pause()
    const link = accepted[0]
    if (link === undefined) throw new Error('no link was accepted')
    const reason = closed(link)
    const chunk = Buffer.alloc(100_000)
    let mostBytes = 0
    while (link.isOpen) {
      link.send(TEXT, chunk)
      mostBytes = Math.max(mostBytes, link.bufferedBytes)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await reason).toContain(`more than ${maxBufferedBytes} bytes unread`)
    expect(mostBytes).toBeLessThanOrEqual(maxBufferedBytes)
    reader.destroy()
  })

  it('of one peer replace each other', async () => {
    await listen()
    const first = await connectLink({ path, self })
    first.start()
    const gone = closed(first)
    const second = await connectLink({ path, self })
    second.start()
    await gone
    expect(second.isOpen).toBe(true)
    expect(accepted.map(({ isOpen }) => isOpen)).toEqual([false, true])
    second.destroy('done')
  })

  it('above the bound are refused', async () => {
    await listen({ maxLinks: 1 })
    const link = await connectLink({ path, self })
    const more = connectLink({ path, self: { role: 'gateway', id: 'gateway-2' } })
    await expect(more).rejects.toThrow('as many links as there may be')
    link.destroy('done')
  })

  it('are refused without harm by peers that are gone before they are', async () => {
    const uncaught: unknown[] = []
    const note = (error: unknown): void => void uncaught.push(error)
    process.prependListener('uncaughtException', note)
    await listen({ protocol: 7 })
    for (let round = 0; round < 20; round += 1) {
      const peer = createConnection(path)
      peer.write(hello, () => peer.destroy())
      await ended(peer)
    }
    // Behind all of them in the line.
    await expect(connectLink({ path, self, protocol: 8 })).rejects.toThrow(LinkRefusedError)
    process.off('uncaughtException', note)
    expect(uncaught).toEqual([])
  })

  it('live in a private directory, and replace the socket that a killed server left', async () => {
    path = join(directory, 'private', 's.sock')
    const killed = await listen()
    expect(statSync(join(directory, 'private')).mode & 0o777).toBe(0o700)
    expect(statSync(path).isSocket()).toBe(true)
    await listen()
    const link = await connectLink({ path, self })
    link.destroy('done')
    await killed.close()
  })

  it('are not listened for where others may enter, or where a file is in the way', async () => {
    mkdirSync(join(directory, 'open'))
    path = join(directory, 'open', 's.sock')
    await expect(listen()).rejects.toThrow('mode 0700')
    path = join(directory, 'file')
    writeFileSync(path, 'precious')
    await expect(listen()).rejects.toThrow('is not a socket')
  })

  it('name the limit when the path is too long for a socket', async () => {
    path = join(directory, 'x'.repeat(120))
    await expect(listen()).rejects.toThrow(/the system allows 10[37]: use a shorter data directory/)
  })

  it('that reconnect wait for a server, and open again after every loss', async () => {
    const link = new ReconnectingLink({ path, self })
    let opened = 0
    let waiting: (() => void)[] = []
    const nextOpening = (): Promise<void> =>
      new Promise((resolve) => {
        waiting.push(resolve)
      })
    link.onOpen(() => {
      opened += 1
      for (const resolve of waiting) resolve()
      waiting = []
    })
    let opening = nextOpening()
    link.start()
    await listen()
    await opening
    for (let round = 2; round <= 4; round += 1) {
      opening = nextOpening()
      accepted.at(-1)?.destroy('cut')
      await opening
      expect(opened).toBe(round)
      expect(link.isOpen).toBe(true)
    }
    await link.close()
    expect(link.isOpen).toBe(false)
  })

  it('that reconnect say why they cannot', async () => {
    await listen({ protocol: 2 })
    const { logger, problem } = loggedProblem()
    const link = new ReconnectingLink({ path, self, protocol: 1, logger })
    link.start()
    expect(await problem).toContain('full restart needed')
    await link.close()
  })
})
