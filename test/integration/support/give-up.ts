import type { ChannelLog } from '../../../src/log/log.ts'
import { newId } from '../../../src/util/new-id.ts'

interface GivenUp {
  /** Takes part in the channel. */
  readonly agentId: string
  /** One of the last entries of the log; by somebody else. */
  readonly messageId: string
  readonly reason?: string
}

const LAST_PLACES = 10

/** Has an agent set a message aside, as its host does after the last attempt; answers the message's place. */
export async function giveUp(log: ChannelLog, givenUp: GivenUp): Promise<number> {
  const { agentId, messageId, reason = 'Error: no' } = givenUp
  const newcomer = { type: 'open-inbox', id: newId(), agentId: newId() } as const
  const { place: newest = 0 } = await log.append(newcomer)
  const after = Math.max(0, newest - LAST_PLACES)
  const { items } = await log.inbox({ agentId, after, limit: LAST_PLACES })
  const item = items.find(({ message }) => message.id === messageId)
  if (item === undefined) throw new Error(`${agentId} has no message ${messageId}`)
  const { place } = item
  const failures = [{ messageId, place, attempts: 3, reason }]
  await log.append({ type: 'settle', id: newId(), agentId, upTo: place, failures })
  return place
}
