import type { Server } from 'socket.io'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import { closeTransport } from './transport.ts'

type Engine = Parameters<typeof closeTransport>[0]

/**
 * Packets in one polling body; past it the transport is closed with 4300, as far as a polling client can
 * be told: its session is unknown from then on. Stock clients put all they have waiting into one body.
 */
const MAX_PACKETS_PER_BODY = 4_096

/** The Socket.IO packet type (protocol 5) that opens a connection: the first character of a message. */
const CONNECT = '0'

export interface PacketBounds {
  /**
   * Characters of a CONNECT packet, as many as the headers of a request: what goes in by one goes in by the
   * other. Past it the transport is closed with 4300. Socket.IO keeps what is in it for as long as the
   * connection lasts: without a bound a million bytes, times the connections that one client may have.
   */
  readonly maxHeaderBytes: number
}

function refuse(engine: Engine, reason: string): void {
  closeTransport(engine, CLOSE_CODES.PROTOCOL_VIOLATED, reason)
  // At once for this side: neither this packet nor those behind it are looked at.
  engine.close(true)
}

/**
 * Holds every polling body to a number of packets, and every handshake to a size.
 *
 * Half a million packets fit into the bytes that a body may have, and Engine.IO hands them all out in one
 * turn of the event loop, in which nobody else is served. On a websocket the same takes as many frames,
 * which come read by read.
 */
export function guardPackets(io: Server, { maxHeaderBytes }: PacketBounds): void {
  io.engine.on('connection', (engine: Engine) => {
    let inThisTurn = 0
    engine.on('packet', ({ data }: { readonly data?: unknown }) => {
      if (typeof data === 'string' && data.startsWith(CONNECT) && data.length > maxHeaderBytes) {
        refuse(engine, 'too large a handshake')
        return
      }
      if (engine.transport.name !== 'polling') return
      // Engine.IO takes a body's packets in one go, so the turn's are the body's.
      if (inThisTurn === 0) {
        setImmediate(() => {
          inThisTurn = 0
        })
      }
      inThisTurn += 1
      if (inThisTurn > MAX_PACKETS_PER_BODY) refuse(engine, 'too many packets in one body')
    })
  })
}
