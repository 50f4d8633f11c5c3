import { describe, expect, it } from 'vitest'
import { CHANNEL, entry, EPOCH } from './scripted-log.ts'
import { Recorder, setUp, tick } from './live-scene.ts'

describe('live channels', () => {
  it('answer with the position and go on right after it', async () => {
    const { log, live, follower, join } = setUp()
    const joining = join()
    log.opens(7)
    await joining
    live.onEntries(CHANNEL, [entry(8), entry(9)])
    expect(follower.seen).toEqual(['joined 7', 8, 9])
  })

  it('deliver what comes right behind the log’s answer after the join’s answer', async () => {
    const { log, live, follower, join } = setUp(100, 100, setImmediate)
    const joining = join()
    log.opens(7)
    live.onEntries(CHANNEL, [entry(8)])
    await joining
    await tick()
    expect(follower.seen).toEqual(['joined 7', 8])
  })

  it('deliver what comes in one turn together, with frames in their places', async () => {
    const { log, live, follower, join } = setUp(100, 100, setImmediate)
    const joining = join()
    log.opens(7)
    await joining
    const batches: number[] = []
    follower.onEntries = ({ entries }) => {
      batches.push(entries.length)
      follower.seen.push(...entries.map(({ seq }) => seq))
    }
    for (const seq of [8, 9]) live.onEntries(CHANNEL, [entry(seq)])
    live.onEphemeral({ kind: 'complete', channelId: CHANNEL, serverId: 's' })
    live.onEntries(CHANNEL, [entry(10), entry(11)])
    live.onEntries(CHANNEL, [entry(12)])
    expect(follower.seen).toEqual(['joined 7'])
    await live.delivered(CHANNEL)
    expect(follower.seen).toEqual(['joined 7', 8, 9, 'ephemeral', 10, 11, 12])
    expect(batches).toEqual([2, 3])
  })

  it('replay what was missed, then answer, then what came meanwhile, each once', async () => {
    const { log, live, follower, join } = setUp()
    const joining = join(2)
    log.opens(5)
    await tick()
    live.onEntries(CHANNEL, [entry(6)])
    expect(follower.seen).toEqual([])
    expect(log.answersRead()).toMatchObject({ after: 2, upTo: 5 })
    await joining
    live.onEntries(CHANNEL, [entry(7)])
    expect(follower.seen).toEqual([3, 4, 5, 'joined 5 true', 6, 7])
  })

  it.each([
    { name: 'another epoch', since: 3, epoch: 'epoch-0', head: 5 },
    { name: 'a position above the head', since: 6, epoch: EPOCH, head: 5 },
    { name: 'a gap above the limit', since: 0, epoch: EPOCH, head: 101 },
  ])('say so and replay nothing for $name', async ({ since, epoch, head }) => {
    const { log, live, follower, join } = setUp()
    const joining = join(since, epoch)
    log.opens(head)
    await joining
    live.onEntries(CHANNEL, [entry(head + 1)])
    expect(follower.seen).toEqual([`joined ${head} false`, head + 1])
  })

  it.each([5, 0])('recover at once when nothing was missed (head and since %i)', async (head) => {
    const { log, follower, join } = setUp()
    const joining = join(head)
    log.opens(head)
    await joining
    expect(follower.seen).toEqual([`joined ${head} true`])
  })

  it('replay a gap that is just as large as the limit', async () => {
    const { log, follower, join } = setUp(3)
    const joining = join(0)
    log.opens(3)
    await tick()
    log.answersRead()
    await joining
    expect(follower.seen).toEqual([1, 2, 3, 'joined 3 true'])
  })

  it.each([2, 0])('replay nothing when the log gives only %i of what was missed', async (given) => {
    const { log, live, follower, join } = setUp()
    const joining = join(2)
    log.opens(5)
    await tick()
    live.onEntries(CHANNEL, [entry(6)])
    log.answersRead(given)
    await joining
    live.onEntries(CHANNEL, [entry(7)])
    expect(follower.seen).toEqual(['joined 5 false', 6, 7])
  })

  it('interrupt a follower whose backlog passes its bound, and deliver nothing more to it', async () => {
    const { log, live, follower, join } = setUp(100, 2)
    const joining = join(1)
    log.opens(5)
    await tick()
    live.onEntries(CHANNEL, [entry(6), entry(7)])
    expect(follower.seen).toEqual([])
    live.onEntries(CHANNEL, [entry(8)])
    log.answersRead()
    await joining
    live.onEntries(CHANNEL, [entry(9)])
    expect(follower.seen).toEqual(['interrupted'])
  })

  it('deliver nothing again to one who has seen, elsewhere, more than the feed has brought here', async () => {
    const { log, live, follower, join } = setUp()
    log.stored = 50
    const joining = join(48)
    log.opens(45)
    await joining
    live.onEntries(CHANNEL, [entry(46), entry(47)])
    expect(live.willDeliver(CHANNEL, follower, 48)).toBe(false)
    expect(live.willDeliver(CHANNEL, follower, 49)).toBe(true)
    live.onEntries(CHANNEL, [entry(48), entry(49)])
    live.onEntries(CHANNEL, [entry(50)])
    expect(follower.seen).toEqual(['joined 48 true', 49, 50])
  })

  it('replay at the follower’s pace, and what comes meanwhile behind it', async () => {
    const { log, live, follower, join } = setUp(1_000, 1_000)
    const gates: (() => void)[] = []
    follower.pace = () => new Promise((resolve) => gates.push(resolve))
    const joining = join(0)
    log.opens(260)
    await tick()
    log.answersRead()
    await tick()
    expect(follower.seen).toHaveLength(128)
    live.onEntries(CHANNEL, [entry(261)])
    live.onEphemeral({ kind: 'complete', channelId: CHANNEL, serverId: 's' })
    while (follower.seen.at(-1) !== 'ephemeral') {
      gates.shift()?.()
      await tick()
    }
    await joining
    live.onEntries(CHANNEL, [entry(262)])
    const seqs = Array.from({ length: 260 }, (_, index) => index + 1)
    expect(follower.seen).toEqual([...seqs, 'joined 260 true', 261, 'ephemeral', 262])
  })

  it('let no follower suffer from another’s fault', async () => {
    const { log, live, follower, join } = setUp()
    const faulty = new Recorder()
    faulty.onEntries = () => {
      throw new Error('fault')
    }
    const both = [
      live.join({ channelId: CHANNEL, follower: faulty, onJoined: faulty.joined }),
      join(),
    ]
    log.opens(1)
    await Promise.all(both)
    live.onEntries(CHANNEL, [entry(2)])
    live.onEntries(CHANNEL, [entry(3)])
    expect(follower.seen).toEqual(['joined 1', 2, 3])
    expect(faulty.seen).toEqual(['joined 1', 'interrupted'])
  })

  it('stop delivering at a leave, also in the middle of a replay', async () => {
    const { log, live, follower, join } = setUp()
    const joining = join(1)
    log.opens(5)
    await tick()
    live.leave(CHANNEL, follower)
    log.answersRead()
    await joining
    expect(follower.seen).toEqual([])
    expect(log.unfollowed).toEqual([CHANNEL])
  })

  it('unfollow with the last follower and follow afresh with the next', async () => {
    const { log, live, follower, join } = setUp()
    const first = join()
    log.opens(1)
    await first
    live.leave(CHANNEL, follower)
    const second = join()
    log.opens(4)
    await second
    expect(log.followed).toEqual([CHANNEL, CHANNEL])
    expect(log.unfollowed).toEqual([CHANNEL])
    expect(follower.seen).toEqual(['joined 1', 'joined 4'])
  })

  it('share one following among all followers of a channel', async () => {
    const { log, live, join } = setUp()
    const other = new Recorder()
    const both = [
      join(),
      live.join({ channelId: CHANNEL, follower: other, onJoined: other.joined }),
    ]
    log.opens(2)
    await Promise.all(both)
    expect(log.followed).toEqual([CHANNEL])
  })

  it('reject a join that the log does not answer and open the channel afresh for the next', async () => {
    const { log, follower, join } = setUp()
    const failing = join()
    log.fails()
    await expect(failing).rejects.toThrow('no answer')
    const next = join()
    log.opens(3)
    await next
    expect(follower.seen).toEqual(['joined 3'])
  })

  it('know whether an entry is still to be delivered', async () => {
    const { log, live, follower, join } = setUp()
    expect(live.willDeliver(CHANNEL, follower, 1)).toBe(false)
    const joining = join()
    log.opens(5)
    await joining
    expect(live.willDeliver(CHANNEL, follower, 5)).toBe(false)
    expect(live.willDeliver(CHANNEL, follower, 6)).toBe(true)
  })
})
