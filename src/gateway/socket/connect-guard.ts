import type { Server } from 'socket.io'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import { closeTransport } from './transport.ts'

/** Socket.IO packet types (protocol 5): the first character of an Engine.IO message. */
const CONNECT = '0'
const DISCONNECT = '1'

/**
 * CONNECT packets that one transport may send in its life; past it the transport is closed with 4300.
 * A client needs one, and another after each of its own disconnects.
 */
const MAX_CONNECTS = 16

/**
 * Milliseconds that a transport may stay open once its client has left: as long as Socket.IO gives it for
 * the first connect. Past it the transport is closed; it would be one that nothing counts any more.
 */
const MAX_LEFT_MS = 10_000

/**
 * Holds every transport to one Socket.IO connection at a time.
 *
 * Socket.IO makes a socket of each CONNECT packet, and a third of a million fit into one polling body:
 * every limit that counts by connection would be void, and the gateway stand still for seconds
 * (measured: 3 s and 700 MB for one request). And one that is connected no longer is soon closed.
 */
export function guardConnects(io: Server): void {
  io.engine.on('connection', (engine: Parameters<typeof closeTransport>[0]) => {
    let connects = 0
    let isConnected = false
    let leftTimer: NodeJS.Timeout | undefined
    engine.on('close', () => {
      clearTimeout(leftTimer)
    })
    engine.on('packet', (packet: { readonly type: string; readonly data?: unknown }) => {
      if (packet.type !== 'message' || typeof packet.data !== 'string') return
      const [type] = packet.data
      if (type === DISCONNECT && isConnected) {
        isConnected = false
        leftTimer = setTimeout(() => engine.close(), MAX_LEFT_MS)
      }
      if (type !== CONNECT) return
      clearTimeout(leftTimer)
      connects += 1
      if (isConnected || connects > MAX_CONNECTS) {
        const reason = 'one connection for each transport'
        closeTransport(engine, CLOSE_CODES.PROTOCOL_VIOLATED, reason)
        // At once for this side: the packets behind this one are not looked at.
        engine.close(true)
      }
      isConnected = true
    })
  })
}
