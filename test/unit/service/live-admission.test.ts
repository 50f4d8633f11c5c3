import { describe, expect, it } from 'vitest'
import { ChannelError } from '../../../src/protocol/errors.ts'
import { createDeferred } from '../../../src/util/deferred.ts'
import { Recorder, setUp, tick } from './live-scene.ts'
import { CHANNEL, entry, EPOCH } from './scripted-log.ts'

const DENIED = new ChannelError('ACCESS_DENIED')

/** A decision that is made when the test says so, each time it is asked for. */
function decision() {
  const asked: { allow: () => void; refuse: () => void }[] = []
  const admit = (): Promise<void> => {
    const answer = createDeferred<void>()
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
  it('gets what came meanwhile behind its answer, from the position at which the decision began', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.onEntries(CHANNEL, [entry(8)])
    live.onEphemeral({ kind: 'complete', channelId: CHANNEL, serverId: 's' })
    expect(follower.seen).toEqual([])
    asked[0]?.allow()
    await joining
    live.onEntries(CHANNEL, [entry(9)])
    expect(follower.seen).toEqual(['joined 7', 8, 'ephemeral', 9])
    expect(asked).toHaveLength(1)
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
    asked[0]?.allow()
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
    const joining = join(2, EPOCH, () => Promise.resolve())
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
    asked[0]?.allow()
    await joining
    live.onEntries(CHANNEL, [entry(50)])
    expect(follower.seen).toEqual(['joined 48 true', 49, 50])
  })

  it('says nothing to one who leaves before it is decided', async () => {
    const { log, live, follower, join } = setUp()
    const { asked, admit } = decision()
    const joining = join(undefined, EPOCH, admit)
    log.opens(7)
    await tick()
    live.leave(CHANNEL, follower)
    asked[0]?.allow()
    await joining
    expect(follower.seen).toEqual([])
    expect(log.unfollowed).toEqual([CHANNEL])
  })
})
