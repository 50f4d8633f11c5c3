import type { Server } from 'socket.io'
import { EVENTS } from '../protocol/wire.ts'
import { roomOf } from './signals.ts'
import type { PresenceChange, Signals, TypingSignal } from './signals.ts'

/** `Signals` over the Socket.IO cluster adapter, which relays through the primary. */
export function createClusterSignals(io: Server): Signals {
  return {
    typing(signal: TypingSignal, exceptConnectionId: string): void {
      const { channelId } = signal
      const payload = { ...signal, roomId: channelId }
      io.to(roomOf(channelId)).except(exceptConnectionId).emit(EVENTS.typing, payload)
    },
  }
}

/** Shows a change of presence to the connections of this gateway; every gateway hears of it by itself. */
export function emitPresence(io: Server, change: PresenceChange): void {
  const { channelId } = change
  io.local.to(roomOf(channelId)).emit(EVENTS.presence, { ...change, roomId: channelId })
}
