import { EventEmitter, once } from 'node:events'
import { expect, it } from 'vitest'
import type { EntryRange, FeedConsumer } from '../../../src/log/log.ts'
import { FollowedChannel } from '../../../src/log/remote/followed-channel.ts'
import { GapFiller } from '../../../src/log/remote/gap-filler.ts'
import type { Entry } from '../../../src/protocol/model.ts'

it('goes on where a read ended early, until the gap is filled', async () => {
  const asked: EntryRange[] = []
  const reader = {
    entries(range: EntryRange): Entry[] {
      asked.push(range)
      const { channelId, after, upTo } = range
      const length = Math.min(3, upTo - after)
      return Array.from({ length }, (_, index) => {
        const seq = after + 1 + index
        return { kind: 'cleared', channelId, seq, at: seq }
      })
    },
  }
  const progress = new EventEmitter()
  const seen: number[] = []
  const consumer: FeedConsumer = {
    onEntries: (_channelId, entries) => {
      seen.push(...entries.map(({ seq }) => seq))
      if (seen.at(-1) === 12) progress.emit('filled')
    },
    onEphemeral: () => undefined,
  }
  const channel = new FollowedChannel('c', consumer, () => undefined)
  channel.confirm(4)
  channel.receive([], 12)
  const filler = new GapFiller({ reader, logger: undefined })
  const filled = once(progress, 'filled')
  filler.add(channel)
  await filled
  expect(seen).toEqual([5, 6, 7, 8, 9, 10, 11, 12])
  expect(asked.map(({ after, upTo }) => [after, upTo])).toEqual([
    [4, 12],
    [7, 12],
    [10, 12],
  ])
  for (const { maxBytes } of asked) expect(maxBytes).toBeGreaterThan(0)
  filler.close()
})
