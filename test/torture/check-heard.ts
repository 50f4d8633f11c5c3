import type { Ear } from './ear.ts'
import { HeardRoom } from './heard-room.ts'

/** What one client heard, room by room, held against the promises that need nothing else to be judged. */
export function hearRooms(ear: Ear, stopped: ReadonlySet<string>): readonly HeardRoom[] {
  const rooms = new Map<string, HeardRoom>()
  for (const heard of ear.heard) {
    const { channelId } = heard
    const room = rooms.get(channelId) ?? new HeardRoom(channelId, ear.name, stopped)
    rooms.set(channelId, room)
    room.note(heard)
  }
  return [...rooms.values()]
}

/** Ids of streams and questions that somebody wanted stopped. */
export function stoppedIn(ears: readonly Ear[]): ReadonlySet<string> {
  const asked = ears.flatMap(({ heard }) =>
    heard.filter(({ way, event }) => way === 'out' && event === 'cancel_stream'),
  )
  return new Set(asked.map(({ payload }) => String(payload['messageId'])))
}
