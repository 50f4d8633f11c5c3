import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import type { StreamChunk } from '../../src/protocol/model.ts'
import { chunkPacket } from '../../src/gateway/socket/encode.ts'
import { eventPacket } from '../../src/gateway/socket/packets.ts'
import { SharedPackets } from '../../src/gateway/socket/shared-packets.ts'
import { posted } from '../unit/service/work-world.ts'
import { MAX_QUEUE_BYTES, openPair, tcpOf } from './support/outbox-pair.ts'
import type { Pair } from './support/outbox-pair.ts'

/** A writer of one stream to one connection. */
function writerTo({ outbox }: Pair, messageId: string, channelId = 'c') {
  let text = ''
  let index = 0
  return (chunk: string): StreamChunk => {
    const place = { messageId, agentId: 'a', index, offset: text.length }
    const frame: StreamChunk = { kind: 'chunk', channelId, ...place, chunk }
    text += chunk
    index += 1
    outbox.sendChunk(frame, new SharedPackets([chunkPacket(frame)]))
    return frame
  }
}

/** Notes what a client gets, in words. */
function notesOf({ client }: Pair): string[] {
  const notes: string[] = []
  client.on('messageStreamChunk', (one: StreamChunk) => {
    notes.push(`${one.messageId} ${one.index} ${one.offset} ${one.chunk}`)
  })
  client.on('messageBroadcast', ({ id }: { id: string }) => notes.push(id))
  client.on('messageComplete', () => notes.push('end'))
  return notes
}

const end = new SharedPackets([eventPacket('messageComplete', {})])
const blob = new SharedPackets([eventPacket('messageBroadcast', { id: 'x'.repeat(100_000) })])
const message = (id: string) => new SharedPackets([eventPacket('messageBroadcast', { id })])

/** Gives the connection something that it does not take; returns how it takes it again. */
function stall(pair: Pair): () => void {
  const tcp = tcpOf(pair.client)
  tcp.pause()
  const { conn } = pair.serverSocket
  // In one turn nothing leaves: the first is under way, the second waits.
  pair.outbox.send(message('first'))
  pair.outbox.send(message('second'))
  expect(conn.readyState).toBe('open')
  return () => tcp.resume()
}

async function ended(notes: readonly string[]): Promise<readonly string[]> {
  await expect.poll(() => notes.at(-1), { timeout: 10_000 }).toBe('end')
  return notes
}

/** More than the kernel takes for a client that does not read. */
async function fillUp(pair: Pair): Promise<void> {
  const { conn } = pair.serverSocket
  const waiting = conn as unknown as { readonly writeBuffer: readonly unknown[] }
  while (waiting.writeBuffer.length === 0) {
    pair.outbox.send(blob)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('chunks to a connection', () => {
  it('each go out at once where nothing waits', async () => {
    await using pair = await openPair(['websocket'])
    const notes = notesOf(pair)
    const write = writerTo(pair, 'm')
    for (const chunk of ['a', 'b', 'c']) {
      write(chunk)
      await expect.poll(() => notes.at(-1)).toContain(chunk)
    }
    expect(notes).toEqual(['m 0 0 a', 'm 1 1 b', 'm 2 2 c'])
  })

  it.each([['websocket'], ['polling']])(
    'with something waiting: of each stream the first goes at once, what comes after it is one, over %s',
    async (transport) => {
      await using pair = await openPair([transport])
      const notes = notesOf(pair)
      const [m, n] = [writerTo(pair, 'm'), writerTo(pair, 'n')]
      pair.outbox.send(message('first'))
      pair.outbox.send(message('second'))
      for (const chunk of ['ab', 'c', 'd']) m(chunk)
      for (const chunk of ['x', 'y']) n(chunk)
      m('e')
      await expect.poll(() => notes.length, { timeout: 5_000 }).toBe(6)
      expect(notes).toEqual(['first', 'second', 'm 0 0 ab', 'n 0 0 x', 'm 1 2 cde', 'n 1 1 y'])
      m('f')
      await expect.poll(() => notes.at(-1)).toBe('m 4 5 f')
    },
  )

  it('go out as soon as nothing waits any more, however long the window is', async () => {
    await using pair = await openPair(['websocket'])
    const notes = notesOf(pair)
    const write = writerTo(pair, 'm')
    // No window ends.
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      pair.outbox.send(message('first'))
      pair.outbox.send(message('second'))
      for (const chunk of ['a', 'b', 'c']) write(chunk)
      // `expect.poll` would let the time pass.
      const lateMs = performance.now() + 5_000
      while (notes.length < 4 && performance.now() < lateMs) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(notes.at(-1)).toBe('m 1 1 bc')
    } finally {
      vi.useRealTimers()
    }
  })

  it('go out ahead of their own message, and of no other', async () => {
    await using pair = await openPair(['websocket'])
    const notes = notesOf(pair)
    const [m, n] = [writerTo(pair, 'm'), writerTo(pair, 'n')]
    const go = stall(pair)
    for (const write of [m, n]) for (const chunk of ['a', 'b']) write(chunk)
    pair.outbox.endChunks([posted(1, 'm', 'ab')])
    pair.outbox.send(message('m'))
    go()
    await expect.poll(() => notes.length).toBe(7)
    expect(notes).toEqual(['first', 'second', 'm 0 0 a', 'n 0 0 a', 'm 1 1 b', 'm', 'n 1 1 b'])
  })

  it('are forgotten with the channel that the connection left, or that is gone', async () => {
    await using pair = await openPair(['websocket'])
    const notes = notesOf(pair)
    const writers = ['m', 'n', 'o'].map((id) => writerTo(pair, id, `channel of ${id}`))
    const go = stall(pair)
    for (const write of writers) for (const chunk of ['a', 'b']) write(chunk)
    pair.outbox.dropChunks('channel of m')
    pair.outbox.endChunks([{ kind: 'removed', channelId: 'channel of n', seq: 1, at: 1 }])
    go()
    await expect.poll(() => notes.at(-1)).toBe('o 1 1 b')
    expect(notes.slice(2)).toEqual(['m 0 0 a', 'n 0 0 a', 'o 0 0 a', 'o 1 1 b'])
  })

  it('to a reader that stands still are joined, and are whole when it goes on', async () => {
    await using pair = await openPair(['websocket'])
    const received: StreamChunk[] = []
    pair.client.on('messageStreamChunk', (one: StreamChunk) => received.push(one))
    const notes = notesOf(pair)
    const tcp = tcpOf(pair.client)
    tcp.pause()
    await fillUp(pair)
    const write = writerTo(pair, 'm')
    const sent: string[] = []
    for (let n = 0; n < 300; n += 1) {
      sent.push(write(`${n}.`).chunk)
      await new Promise((resolve) => setImmediate(resolve))
    }
    pair.outbox.endChunks([posted(1, 'm', sent.join(''))])
    pair.outbox.send(end)
    tcp.resume()
    await ended(notes)
    expect(received.length).toBeLessThan(sent.length / 2)
    let text = ''
    for (const { offset, chunk, index } of received) {
      expect(offset).toBe(text.length)
      expect(sent.slice(0, index).join('')).toBe(text)
      text += chunk
    }
    expect(text).toBe(sent.join(''))
  })

  it('that are held count: a reader that never reads is cut at its bound', async () => {
    await using pair = await openPair(['websocket'])
    const tcp = tcpOf(pair.client)
    const go = stall(pair)
    const write = writerTo(pair, 'm')
    // All in one turn, in which no window ends: the text is in the hold and nowhere else.
    for (let sent = 0; sent <= MAX_QUEUE_BYTES && !pair.isTooSlow(); sent += 10_000) {
      write('x'.repeat(10_000))
    }
    expect(pair.isTooSlow()).toBe(true)
    const gone = once(pair.client as never, 'disconnect') as Promise<
      [string, { context?: { code?: number } }?]
    >
    go()
    const [, details] = await gone
    expect(details?.context?.code).toBe(CLOSE_CODES.READER_TOO_SLOW)
    expect(tcp.destroyed || !tcp.isPaused()).toBe(true)
  })
})
