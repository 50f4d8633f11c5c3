import { randomUUID } from 'node:crypto'
import type { ConnectionPlan } from '../load/plan.ts'

export interface Shape {
  readonly socketCount: number
  /** The sockets are dealt to the channels in turn. */
  readonly channelCount: number
  /** Sockets that send; all of them by default. */
  readonly senderCount?: number
}

/** Fresh entities in fresh channels, all joined. */
export function planMembers({ socketCount, channelCount, senderCount }: Shape): ConnectionPlan[] {
  const channels = Array.from({ length: channelCount }, () => randomUUID())
  const memberCount = socketCount / channelCount
  return Array.from({ length: socketCount }, (_, index) => ({
    entityId: randomUUID(),
    channelId: channels[index % channelCount] ?? '',
    memberCount,
    isSender: index < (senderCount ?? socketCount),
  }))
}
