import { describe, expect, it } from 'vitest'
import { autoCreatedChannel, ownMetadata } from '../../../src/service/channel-draft.ts'
import type { JsonObject } from '../../../src/util/json.ts'

function draft(metadata: JsonObject, targetUserId?: string) {
  return autoCreatedChannel({
    channelId: 'new-dm-channel-id',
    authorId: 'alice',
    metadata,
    autoCreate: { createdBy: 'socketio_auto_creation', targetUserId },
  })
}

const ids = (channel: ReturnType<typeof draft>) =>
  channel.participants.map(({ entityId }) => entityId)

describe('a channel that its first message makes', () => {
  it('is a GROUP chat of its author, named after its id', () => {
    const channel = draft({})
    expect(channel).toMatchObject({ name: 'Chat new-dm-c', type: 'GROUP' })
    expect(channel).toMatchObject({ sourceType: 'auto_created' })
    expect(ids(channel)).toEqual(['alice'])
  })

  it.each([{ isDm: true }, { channelType: 'DM' }, { channel_type: 'DM' }])(
    'is a DM with %j, with the target as second participant',
    (metadata) => {
      const channel = draft(metadata, 'bob')
      expect(channel).toMatchObject({ name: 'DM new-dm-c', type: 'DM' })
      expect(ids(channel)).toEqual(['alice', 'bob'])
    },
  )

  it('takes the target from metadata before the payload, in its one spelling', () => {
    const upper = 'AAAAAAAA-0000-4000-8000-00000000000B'
    expect(ids(draft({ isDm: true, targetUserId: upper }, 'bob'))).toEqual([
      'alice',
      upper.toLowerCase(),
    ])
    expect(ids(draft({ isDm: true, recipientId: 'carol' }, 'bob'))).toEqual(['alice', 'carol'])
  })

  it.each(['no id!', '', 7, null, 'alice'])('has no second participant for target %j', (target) => {
    expect(ids(draft({ isDm: true, targetUserId: target }))).toEqual(['alice'])
  })

  it.each(['VOICE_GROUP', 'FORUM', 'API'])('keeps the known type %s', (channelType) => {
    expect(draft({ channelType }).type).toBe(channelType)
  })

  it.each(['toString', 'group', 1])('is a GROUP for the unknown type %j', (channelType) => {
    expect(draft({ channelType }).type).toBe('GROUP')
  })

  it('says who made it and when, and lets the caller’s metadata win', () => {
    const { metadata } = draft({ created_by: 'me', theme: 'dark' })
    expect(metadata).toMatchObject({
      created_by: 'me',
      created_for_user: 'alice',
      channel_type: 'GROUP',
      theme: 'dark',
    })
    expect(metadata.created_at).toMatch(/^\d{4}-.*Z$/)
  })
})

it('drops the participant list that reads add to metadata, and nothing else', () => {
  const metadata = JSON.parse('{"participantCentralUserIds":["x"],"__proto__":{"y":1},"k":1}')
  const own = ownMetadata(metadata)
  expect(Object.keys(own).toSorted()).toEqual(['__proto__', 'k'])
  expect(Object.getPrototypeOf(own)).toBe(Object.prototype)
})
