import { describe, expect, it } from 'vitest'
import { ChannelError } from '../../../src/protocol/errors.ts'
import { createDeferred } from '../../../src/util/deferred.ts'
import { Recorder, setUp, tick } from './live-scene.ts'
import { CHANNEL, entry, EPOCH } from './scripted-log.ts'

const DENIED = new ChannelError('ACCESS_DENIED')

/** A decision that is made when the test says so, each time it is asked for. */
function decision() {
  const asked: { allow: (upTo: number) => void; refuse: () => void }[] = []
  const admit = (): Promise<number> => {
    const answer = createDeferred<number>()
    const { resolve: allow, reject } = answer
    asked.push({
      allow,
      refuse: () => {
        reject(DENIED)
      },
    })
    return answer.promise
  }
  return { asked, admit }
}

describe('a join that is decided about', () => {
  it('gets what came meanwhile behind its answer, from the entry at which it was decided', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.onEntries(CHANNEL, [entry(8)])
    live.onEphemeral({ kind: 'complete', channelId: CHANNEL, serverId: 's' })
    expect(follower.seen).toEqual([])
    asked[0]?.allow(7)
    await joining
    live.onEntries(CHANNEL, [entry(9)])
    expect(follower.seen).toEqual(['joined 7', 8, 'ephemeral', 9])
    expect(asked).toHaveLength(1)
  })

  it('gets nothing that the feed has yet to bring from before the decision', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const frame = { kind: 'complete', channelId: CHANNEL, serverId: 's' } as const
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.onEntries(CHANNEL, [entry(8)])
    live.onEphemeral(frame)
    asked[0]?.allow(11)
    await joining
    expect(live.willDeliver(CHANNEL, follower, 11)).toBe(false)
    live.onEntries(CHANNEL, [entry(9), entry(10)])
    live.onEphemeral(frame)
    expect(follower.seen).toEqual(['joined 11'])
    live.onEntries(CHANNEL, [entry(11), entry(12)])
    live.onEphemeral(frame)
    expect(follower.seen).toEqual(['joined 11', 12, 'ephemeral'])
  })

  it('gets of what waited for it only what came after the decision', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const frame = { kind: 'complete', channelId: CHANNEL, serverId: 's' } as const
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.onEphemeral(frame)
    live.onEntries(CHANNEL, [entry(8), entry(9)])
    live.onEphemeral(frame)
    asked[0]?.allow(8)
    await joining
    expect(follower.seen).toEqual(['joined 8', 9, 'ephemeral'])
  })

  it('replays up to the decision from storage what the feed has yet to bring', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(5, EPOCH, admit)
    log.opens(7)
    await tick()
    asked[0]?.allow(9)
    await tick()
    live.onEntries(CHANNEL, [entry(8)])
    expect(log.answersRead()).toMatchObject({ after: 5, upTo: 9 })
    await tick()
    asked[1]?.allow(9)
    await joining
    live.onEntries(CHANNEL, [entry(9), entry(10)])
    expect(follower.seen).toEqual([6, 7, 8, 9, 'joined 9 true', 10])
  })

  it('replays nothing across a deletion of the channel, and says so', async () => {
    const { log, live, follower, join } = setUp()
    log.deletions.add(3)
    const joining = join(2, EPOCH, () => Promise.resolve(5))
    log.opens(5)
    await tick()
    log.answersRead()
    await joining
    live.onEntries(CHANNEL, [entry(6)])
    expect(follower.seen).toEqual(['joined 5 false', 6])
  })

  it('replays what came after a deletion', async () => {
    const { log, follower, join } = setUp()
    log.deletions.add(3)
    const joining = join(3, EPOCH, () => Promise.resolve(5))
    log.opens(5)
    await tick()
    log.answersRead()
    await joining
    expect(follower.seen).toEqual([4, 5, 'joined 5 true'])
  })

  it('replays nothing that was read while the channel was deleted and made again', async () => {
    const { log, follower, join } = setUp()
    const { asked, admit } = decision()
    log.deletions.add(7)
    const joining = join(2, EPOCH, admit)
    log.opens(5)
    await tick()
    asked[0]?.allow(5)
    await tick()
    log.answersRead()
    await tick()
    asked[1]?.allow(8)
    await tick()
    expect(log.answersRead()).toMatchObject({ after: 5, upTo: 8 })
    await joining
    expect(follower.seen).toEqual(['joined 5 false'])
  })

  it('leaves nothing behind when it is refused', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.onEntries(CHANNEL, [entry(8)])
    asked[0]?.refuse()
    await expect(joining).rejects.toBe(DENIED)
    live.onEntries(CHANNEL, [entry(9)])
    expect(follower.seen).toEqual([])
    expect(live.willDeliver(CHANNEL, follower, 10)).toBe(false)
    expect(log.unfollowed).toEqual([CHANNEL])
  })

  it('takes the channel from nobody else when it is refused', async () => {
    const { log, live, follower, join } = setUp()
    const stranger = new Recorder()
    const joining = join()
    log.opens(1)
    await joining
    const refused = live.join({
      channelId: CHANNEL,
      follower: stranger,
      admit: () => Promise.reject(DENIED),
      onJoined: stranger.joined,
    })
    await expect(refused).rejects.toBe(DENIED)
    live.onEntries(CHANNEL, [entry(2)])
    expect(follower.seen).toEqual(['joined 1', 2])
    expect(stranger.seen).toEqual([])
    expect(log.unfollowed).toEqual([])
  })

  it('is asked about again when what it missed is read, and gets nothing of it where that refuses', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(2, EPOCH, admit)
    log.opens(5)
    await tick()
    expect(log.answersRead()).toBeUndefined()
    asked[0]?.allow(5)
    await tick()
    live.onEntries(CHANNEL, [entry(6)])
    log.answersRead()
    await tick()
    expect(asked).toHaveLength(2)
    asked[1]?.refuse()
    await expect(joining).rejects.toBe(DENIED)
    expect(follower.seen).toEqual([])
    expect(log.unfollowed).toEqual([CHANNEL])
  })

  it('replays what was missed, then answers, then what came meanwhile, once it is allowed', async () => {
    const { log, live, follower, join } = setUp()
    const joining = join(2, EPOCH, () => Promise.resolve(5))
    log.opens(5)
    await tick()
    live.onEntries(CHANNEL, [entry(6)])
    log.answersRead()
    await joining
    live.onEntries(CHANNEL, [entry(7)])
    expect(follower.seen).toEqual([3, 4, 5, 'joined 5 true', 6, 7])
  })

  it('is not handed again what it has seen, elsewhere, beyond the feed', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    log.stored = 50
    const joining = join(48, EPOCH, admit)
    log.opens(45)
    await tick()
    live.onEntries(CHANNEL, [entry(46), entry(47)])
    live.onEntries(CHANNEL, [entry(48), entry(49)])
    expect(live.willDeliver(CHANNEL, follower, 48)).toBe(false)
    expect(live.willDeliver(CHANNEL, follower, 49)).toBe(true)
    asked[0]?.allow(49)
    await tick()
    expect(log.answersRead()).toMatchObject({ after: 48, upTo: 49 })
    await tick()
    asked[1]?.allow(49)
    await joining
    live.onEntries(CHANNEL, [entry(50)])
    expect(follower.seen).toEqual([49, 'joined 49 true', 50])
  })

  it('says nothing to one who leaves before it is decided', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.leave(CHANNEL, follower)
    asked[0]?.allow(7)
    await joining
    expect(follower.seen).toEqual([])
    expect(log.unfollowed).toEqual([CHANNEL])
  })
})
