import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChannelLog, Command } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel, post } from './engine-support.ts'
import type { LogFixture, OpenFixture } from './log.contract.ts'
import { range, Recorder } from './support/recorder.ts'

const command = <Fields extends object>(fields: Fields) => ({ id: newId(), ...fields })

/** Who may see a channel, across whatever stands between the caller and the store. */
export function describeLogGuards(openFixture: OpenFixture): void {
  describe('a channel that is closed', () => {
    let fixture: LogFixture
    let feed: Recorder
    let log: ChannelLog
    const channelId = newId()

    beforeEach(async () => {
      fixture = await openFixture({ maxPending: 1_000 })
      feed = new Recorder()
      log = await fixture.open(feed)
      await log.append(createChannel({ id: channelId }))
    })
    afterEach(() => fixture.dispose())

    it('carries the guard of a change to where it is applied', async () => {
      const said = post(channelId, 'said')
      await log.append(said)
      const participants = ['ann']
      const closing = { type: 'update-channel', channelId, visibility: 'private' } as const
      const closed = await log.append(command({ ...closing, participants }))
      expect(closed.channel).toMatchObject({ visibility: 'private' })

      const { id: messageId } = said.message
      const attempts = (visibleTo: string): readonly Command[] => [
        { ...post(channelId, 'in'), visibleTo },
        command({ type: 'edit', messageId, changes: { text: 'x' }, visibleTo } as const),
        command({ type: 'delete', messageId, visibleTo } as const),
        command({ type: 'clear', channelId, visibleTo } as const),
        command({ type: 'update-channel', channelId, name: 'N', visibleTo } as const),
        command({
          type: 'change-participants',
          channelId,
          add: [{ entityId: 'bob', isAgent: false }],
          remove: [],
          visibleTo,
        } as const),
        command({ type: 'delete-channel', channelId, visibleTo } as const),
      ]
      const refused = await Promise.allSettled(attempts('eve').map((each) => log.append(each)))
      const codes = refused.map((one) => one.status === 'rejected' && one.reason.code)
      const [message, channel] = ['MESSAGE_NOT_FOUND', 'CHANNEL_NOT_FOUND']
      expect(codes).toEqual([channel, message, message, channel, channel, channel, channel])
      expect(await log.head(channelId)).toBe(2)
      const applied = await Promise.all(attempts('ann').map((each) => log.append(each)))
      expect(applied.map(({ seq }) => seq)).toEqual(range(3, 9))
    })

    it('says where an entity stands as soon as the feed has told, and lists what it may see', async () => {
      const other = await fixture.open(new Recorder())
      const standing = (entityId: string) => log.standing(channelId, entityId)
      const open = { type: 'GROUP', visibility: 'public', isParticipant: false, isOwner: false }
      expect(await standing('ann')).toEqual(open)
      await log.follow(channelId)
      const closing = { type: 'update-channel', channelId, visibility: 'private' } as const
      const closed = other.append(command({ ...closing, participants: ['ann'] }))
      await feed.reached(channelId, 1)
      expect(await standing('eve')).toEqual({ ...open, visibility: 'private' })
      expect(await standing('ann')).toEqual({
        ...open,
        visibility: 'private',
        isParticipant: true,
      })
      const [entry] = feed.entries(channelId)
      expect(entry).toMatchObject({ kind: 'updated', channel: { visibility: 'private' } })
      await closed
      expect(await log.channels(undefined, 'eve')).toEqual([])
      expect(await log.channels(undefined, 'ann')).toEqual(await log.channels())
      await log.append(command({ type: 'delete-channel', channelId } as const))
      expect(await standing('ann')).toBeUndefined()
    })
  })
}
