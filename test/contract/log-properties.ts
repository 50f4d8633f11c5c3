import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ChannelLog } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel, post } from './engine-support.ts'
import type { OpenFixture } from './log.contract.ts'
import { range, Recorder } from './support/recorder.ts'

const channelIndex = fc.nat({ max: 2 })
const logIndex = fc.nat({ max: 1 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('append' as const), logIndex, channelIndex }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('toggle' as const), logIndex, channelIndex }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('turn' as const), logIndex, channelIndex }),
  },
)

/** One follow from its call to its unfollow, with what was delivered meanwhile. */
interface Period {
  readonly feed: Recorder
  readonly log: ChannelLog
  readonly channelId: string
  position: Promise<number>
  isOpen: boolean
}

/** Whatever the order of appends, follows and unfollows: each follow sees a gapless run after its position. */
export function describeFeedProperties(openFixture: OpenFixture): void {
  it('gives every follow all entries after its position, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const fixture = await openFixture({ maxPending: 1_000 })
        const periods: Period[] = []
        const router = (index: number) => {
          const open = (channelId: string) =>
            periods.findLast(
              (period) =>
                period.isOpen && period.log === logs[index] && period.channelId === channelId,
            )
          return {
            onEntries: (channelId: string, entries: Parameters<Recorder['onEntries']>[1]) =>
              open(channelId)?.feed.onEntries(channelId, entries),
            onEphemeral: () => undefined,
          }
        }
        const logs: ChannelLog[] = []
        logs.push(await fixture.open(router(0)), await fixture.open(router(1)))
        const channelIds = range(0, 2).map(() => newId())
        for (const id of channelIds) await logs[0]!.append(createChannel({ id }))

        const appends: Promise<unknown>[] = []
        for (const { type, logIndex: index, channelIndex: at } of steps) {
          const target = logs[index]!
          const channelId = channelIds[at]!
          if (type === 'append') appends.push(target.append(post(channelId, 'x')))
          else if (type === 'toggle') toggle(periods, target, channelId)
          else await new Promise((resolve) => setImmediate(resolve))
        }
        await Promise.all(appends)
        for (const period of periods) await check(period)
        await fixture.dispose()
      }),
      { numRuns: 30 },
    )
  })
}

function toggle(periods: Period[], log: ChannelLog, channelId: string): void {
  const open = periods.find(
    (period) => period.isOpen && period.log === log && period.channelId === channelId,
  )
  if (open === undefined) {
    const period = { feed: new Recorder(), log, channelId, isOpen: true }
    // A follow that is taken back before its answer is rejected or answered; either is fine.
    const position = log.follow(channelId).catch(() => -1)
    periods.push({ ...period, position })
  } else {
    open.isOpen = false
    log.unfollow(channelId)
  }
}

async function check({ feed, log, channelId, position, isOpen }: Period): Promise<void> {
  const start = await position
  if (start === -1) {
    expect(feed.seqs(channelId)).toEqual([])
    return
  }
  if (isOpen) {
    const head = await log.head(channelId)
    await feed.until(() => start >= head || (feed.seqs(channelId).at(-1) ?? 0) >= head)
    expect(feed.seqs(channelId)).toEqual(range(start + 1, head))
  } else {
    const seqs = feed.seqs(channelId)
    expect(seqs).toEqual(range(start + 1, start + seqs.length))
  }
}
