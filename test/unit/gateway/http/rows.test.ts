import { describe, expect, it } from 'vitest'
import {
  busRow,
  channelDetailsRow,
  listedMessageRow,
  messageRow,
} from '../../../../src/gateway/http/rows.ts'
import type { Message, MessageBody } from '../../../../src/protocol/model.ts'

const AT = 1_767_323_045_678

function message(body: Partial<MessageBody>, clientMessageId?: string): Message {
  return {
    id: 'm1',
    channelId: 'room',
    serverId: 'server',
    seq: 7,
    authorId: 'alice',
    ...(clientMessageId !== undefined && { clientMessageId }),
    body: { text: 'hi', source: 'socketio_client', ...body },
    createdAt: AT,
    updatedAt: AT,
  }
}

describe('the row of a message from a socket', () => {
  const attachments = [{ id: '1', url: 'https://example.invalid/a.png' }]
  const row = messageRow(
    message({ senderName: 'Alice', metadata: { foo: 'bar' }, attachments }, 'client-1'),
  )

  it('shows what the client sent as its raw message', () => {
    expect(row.rawMessage).toEqual({
      channelId: 'room',
      senderId: 'alice',
      senderName: 'Alice',
      message: 'hi',
      messageServerId: 'server',
      messageId: 'client-1',
      source: 'socketio_client',
      metadata: { foo: 'bar' },
      attachments,
    })
  })

  it('has the metadata that elizaOS adds', () => {
    expect(row.metadata).toEqual({
      foo: 'bar',
      attachments,
      user_display_name: 'Alice',
      messageServerId: 'server',
    })
  })

  it('has the posting’s number, ISO times and the client’s id', () => {
    expect(row).toMatchObject({
      seq: 7,
      sourceId: 'client-1',
      inReplyToRootMessageId: null,
      createdAt: '2026-01-02T03:04:05.678Z',
    })
  })
})

it('keeps the raw message and metadata of a REST client as they came', () => {
  const row = messageRow(message({ raw: { text: 'hi' }, metadata: { a: 1 }, senderName: 'Bob' }))
  expect(row).toMatchObject({ rawMessage: { text: 'hi' }, metadata: { a: 1 }, senderName: 'Bob' })
  expect(Object.keys(row.metadata ?? {})).toEqual(['a'])
})

it('lifts thought and actions of an agent into the metadata of lists', () => {
  const row = listedMessageRow(message({ raw: { thought: 'hm', actions: ['REPLY'] } }))
  expect(row.metadata).toEqual({ thought: 'hm', actions: ['REPLY'] })
  expect(row).toMatchObject({ created_at: AT, updated_at: AT })
})

it('names an author without a name User on the bus', () => {
  expect(busRow(message({}))).toMatchObject({ author_display_name: 'User', created_at: AT, seq: 7 })
})

it('adds the participants to the metadata of a channel, over a stale copy', () => {
  const row = channelDetailsRow({
    id: 'room',
    serverId: 'server',
    name: 'Room',
    type: 'GROUP',
    visibility: 'private',
    ownerId: 'alice',
    metadata: { participantCentralUserIds: ['stale'] },
    createdAt: AT,
    updatedAt: AT,
    participants: [{ entityId: 'alice', isAgent: false }],
  })
  expect(row.metadata).toEqual({ participantCentralUserIds: ['alice'] })
  expect(row).toMatchObject({ visibility: 'private', ownerId: 'alice' })
})
