import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Server } from 'socket.io'
import { io as connect } from 'socket.io-client'
import { eventPacket, webSocketFrames } from '../../../../src/gateway/socket/packets.ts'
import { takesFrames, writeFrames, writePacket } from '../../../../src/gateway/socket/transport.ts'

/** Reads unmasked, unfragmented text frames the way RFC 6455 §5.2 lays them out. */
function readFrames(bytes: Buffer): string[] {
  const texts: string[] = []
  let offset = 0
  while (offset < bytes.length) {
    expect(bytes[offset]).toBe(0x81)
    const short = bytes[offset + 1] ?? 0
    let start = offset + 2
    let length = short
    if (short === 126) {
      length = bytes.readUInt16BE(start)
      start += 2
    } else if (short === 127) {
      length = Number(bytes.readBigUInt64BE(start))
      start += 8
    }
    texts.push(bytes.toString('utf8', start, start + length))
    offset = start + length
  }
  return texts
}

describe('packets', () => {
  it.each([0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 200_000])(
    'frames a payload of %i bytes so that it reads back, between two others',
    (length) => {
      const packets = ['2["a",{}]', 'x'.repeat(Math.max(0, length - 1)), '2["b",{}]']
      expect(readFrames(webSocketFrames(packets))).toEqual(packets.map((packet) => `4${packet}`))
    },
  )

  it('counts bytes, not characters', () => {
    const packet = eventPacket('messageBroadcast', { text: 'grüße 🌍 漢' })
    expect(readFrames(webSocketFrames([packet, packet]))).toEqual([`4${packet}`, `4${packet}`])
  })

  it('reach a stock client as events, several in one write, in order with single packets', async () => {
    const httpServer = createServer()
    const server = new Server(httpServer, { perMessageDeflate: false })
    httpServer.listen(0, '127.0.0.1')
    await once(httpServer, 'listening')
    const { port } = httpServer.address() as AddressInfo
    const arrived: unknown[] = []
    const done = new EventEmitter()
    server.on('connection', (socket) => {
      expect(takesFrames(socket.conn)).toBe(true)
      writePacket(socket.conn, eventPacket('typing', { n: 0 }), undefined)
      const packets = [1, 2, 3].map((n) => eventPacket('messageBroadcast', { n, text: '🌍' }))
      writeFrames(socket.conn, webSocketFrames(packets), undefined)
      writePacket(socket.conn, eventPacket('typing', { n: 4 }), undefined)
      socket.emit('presence', { n: 5 })
    })
    const client = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'] })
    client.onAny((_event: string, payload: { n: number }) => {
      arrived.push(payload.n)
      if (payload.n === 5) done.emit('done')
    })
    await once(done, 'done')
    expect(arrived).toEqual([0, 1, 2, 3, 4, 5])
    client.disconnect()
    await server.close()
  })
})
