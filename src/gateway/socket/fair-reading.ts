import type { Server } from 'socket.io'
import type { closeTransport } from './transport.ts'

type EngineSocket = Parameters<typeof closeTransport>[0]

/** Packets of one websocket in one turn of the event loop, after which everybody else comes first. */
const MAX_PACKETS_PER_TURN = 64

/** What Engine.IO's WebSocket transport holds; its types do not show it. */
interface WebSocketTransport {
  readonly socket: {
    pause(): void
    resume(): void
  }
}

function pauseForThisTurn(engine: EngineSocket): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library's types hide it
  const { socket } = engine.transport as unknown as WebSocketTransport
  socket.pause()
  setImmediate(() => {
    // Of one that was thrown out nothing more is read; it is terminated in a moment.
    if (engine.readyState === 'open' || engine.readyState === 'closing') socket.resume()
  })
}

/**
 * Takes from each websocket no more in one turn of the event loop than one read brings.
 *
 * Node reads a socket up to 32 times in a row while there is more, 2 MB of packets: for all of them
 * everybody else would wait (measured: 250 ms for 20,000 refused events, again and again). Paused, a
 * socket has its next read in the next turn. What a read has brought is still taken, in order.
 */
export function readFairly(io: Server): void {
  let turn = 0
  let isTurnSeen = false
  /** One look at the end of the turn for all connections: nothing is scheduled for each packet. */
  const see = (): number => {
    if (!isTurnSeen) {
      isTurnSeen = true
      setImmediate(() => {
        isTurnSeen = false
        turn += 1
      })
    }
    return turn
  }
  io.engine.on('connection', (engine: EngineSocket) => {
    let lastTurn = -1
    let inThisTurn = 0
    engine.on('packet', () => {
      const now = see()
      if (now !== lastTurn) inThisTurn = 0
      lastTurn = now
      inThisTurn += 1
      if (inThisTurn === MAX_PACKETS_PER_TURN && engine.transport.name === 'websocket') {
        pauseForThisTurn(engine)
      }
    })
  })
}
