import { expect, it } from 'vitest'
import type { FeedConsumer } from '../../../src/log/log.ts'
import { FollowedChannel } from '../../../src/log/remote/followed-channel.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'

const channelId = 'c'
const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, index) => {
    const seq = from + index
    return { kind: 'cleared', channelId, seq, at: seq }
  })
const complete = (messageId: string): Ephemeral => ({
  kind: 'complete',
  channelId,
  serverId: 's',
  messageId,
})
const typing = (entityId: string): Ephemeral => ({
  kind: 'typing',
  channelId,
  entityId,
  isTyping: true,
  ttlMs: 1,
})
const chunk = (offset: number, text: string): Ephemeral => ({
  kind: 'chunk',
  channelId,
  messageId: 'm',
  agentId: 'a',
  index: offset,
  offset,
  chunk: text,
})
const activity: Ephemeral = { kind: 'activity', channelId, streams: [], turns: [] }

/** A channel that is followed from 4 on, and what its consumer is handed. */
function followed() {
  const seen: string[] = []
  const consumer: FeedConsumer = {
    onEntries: (_, some) => {
      seen.push(some.map(({ seq }) => seq).join(' '))
    },
    onEphemeral: (frame) => {
      if (frame.kind === 'chunk') seen.push(`${frame.offset}+${frame.chunk}`)
      else if (frame.kind === 'complete') seen.push(`complete ${frame.messageId}`)
      else seen.push(frame.kind === 'typing' ? frame.entityId : frame.kind)
    },
  }
  const channel = new FollowedChannel(channelId, consumer, () => {
    seen.push('lost')
  })
  channel.confirm(4)
  return { channel, seen }
}

it('hands frames that waited for a gap over in their places, also where one read brings more', () => {
  const { channel, seen } = followed()
  channel.confirm(7)
  channel.receiveFrame(activity)
  channel.receiveFrame(complete('m7'))
  channel.receive(entries(8, 9))
  channel.receiveFrame(complete('m9'))
  channel.receive([], 11)
  expect(channel.deliver(entries(5, 11))).toBe(0)
  expect(seen).toEqual(['5 6 7', 'activity', 'complete m7', '8 9', 'complete m9', '10 11'])
  channel.receiveFrame(complete('m11'))
  expect([seen.at(-1), channel.position, channel.hasGap]).toEqual(['complete m11', 11, false])
})

it('joins what waits of a stream as far as nothing is missing between', () => {
  const { channel, seen } = followed()
  channel.confirm(5)
  for (const [offset, text] of ['a', 'b'].entries()) channel.receiveFrame(chunk(offset, text))
  // The link was lost with two more.
  channel.confirm(5)
  channel.receiveFrame(activity)
  for (const [index, text] of ['e', 'f'].entries()) channel.receiveFrame(chunk(4 + index, text))
  channel.deliver(entries(5, 5))
  expect(seen).toEqual(['5', '0+ab', 'activity', '4+ef'])
})

it('loses what is only typed, and nothing else, where very much waits', () => {
  const { channel, seen } = followed()
  channel.confirm(5)
  for (let index = 0; index < 500; index += 1) channel.receiveFrame(typing(`t${index}`))
  for (let index = 0; index < 500; index += 1) channel.receiveFrame(complete(`m${index}`))
  channel.receiveFrame(activity)
  channel.deliver(entries(5, 5))
  expect(seen.filter((one) => one.startsWith('t'))).toHaveLength(64)
  expect(seen.filter((one) => one.startsWith('complete'))).toHaveLength(500)
  expect(seen.at(-1)).toBe('activity')
})

it('says once, at the end of a gap, that more was done in it than may wait', () => {
  const { channel, seen } = followed()
  channel.confirm(6)
  for (let index = 0; index < 4_096; index += 1) channel.receiveFrame(complete(`m${index}`))
  channel.deliver(entries(5, 5))
  for (let index = 0; index < 3; index += 1) channel.receiveFrame(complete(`lost${index}`))
  expect(seen).not.toContain('lost')
  channel.deliver(entries(6, 6))
  expect(seen).toHaveLength(2 + 4_096 + 1)
  expect(seen.at(-1)).toBe('lost')
  channel.confirm(7)
  channel.receiveFrame(typing('ann'))
  channel.deliver(entries(7, 7))
  expect(seen.slice(-3)).toEqual(['lost', '7', 'ann'])
})
