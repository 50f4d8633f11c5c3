import { describe, expect, it } from 'vitest'
import {
  agentRow,
  entryPackets,
  ephemeralPacket,
  ownPackets,
  withAck,
} from '../../../../src/gateway/socket/encode.ts'
import { listedMessageRow } from '../../../../src/gateway/http/rows.ts'
import type { Entry, Message, StreamEnding } from '../../../../src/protocol/model.ts'

/** The event and what it carries. */
function decoded(packet: string): [event: string, payload: Record<string, unknown>] {
  return JSON.parse(packet.slice(1))
}

const eventsOf = (packets: readonly string[]): string[] => packets.map((one) => decoded(one)[0])

function message(stream?: StreamEnding): Message {
  const body = { text: 'so far', source: 'agent_response', ...(stream && { stream }) }
  const where = { id: 'm', channelId: 'c', serverId: 's', authorId: 'agent' }
  return { ...where, seq: 4, body, createdAt: 1, updatedAt: 1 }
}

function posted(stream?: StreamEnding, hasAgents = true): Entry {
  return { kind: 'posted', channelId: 'c', seq: 4, at: 1, hasAgents, message: message(stream) }
}

describe('a chunk', () => {
  it('is elizaOS’s, with the room and its place in the text', () => {
    const chunk = { messageId: 'm', agentId: 'a', index: 3, offset: 12, chunk: 'text' }
    expect(decoded(ephemeralPacket({ kind: 'chunk', channelId: 'c', ...chunk }))).toEqual([
      'messageStreamChunk',
      { ...chunk, channelId: 'c', roomId: 'c' },
    ])
  })
})

describe('a turn', () => {
  it('says who is at which message, and with which one it answers', () => {
    const turn = { agentId: 'a', messageId: 'q', state: 'streaming', streamMessageId: 'm' } as const
    expect(decoded(ephemeralPacket({ kind: 'turn', channelId: 'c', ...turn }))).toEqual([
      'agent_state',
      { ...turn, channelId: 'c', roomId: 'c' },
    ])
    expect(agentRow({ agentId: 'a', messageId: 'q', state: 'thinking' })).toEqual({
      agentId: 'a',
      messageId: 'q',
      state: 'thinking',
    })
  })
})

describe('a message that a stream became', () => {
  it.each(['interrupted', 'failed'] as const)('%s has an error right before it', (state) => {
    const [error, broadcast] = entryPackets(posted({ state, error: 'why' })).map(decoded)
    expect(error).toEqual([
      'messageStreamError',
      {
        messageId: 'm',
        channelId: 'c',
        roomId: 'c',
        agentId: 'agent',
        error: 'why',
        partialText: 'so far',
      },
    ])
    expect(broadcast?.[0]).toBe('messageBroadcast')
    expect(broadcast?.[1]).toMatchObject({ id: 'm', text: 'so far', streamState: state })
    expect(listedMessageRow(message({ state }))).toMatchObject({ streamState: state })
  })

  it('says something for people also where its author did not', () => {
    const errors = (['interrupted', 'failed'] as const).map((state) => {
      const [first = ''] = entryPackets(posted({ state }))
      return decoded(first)[1]['error']
    })
    expect(errors).toEqual(['The stream was interrupted.', 'The agent failed.'])
  })

  it('is no error where a participant ended it, or where it came to its end', () => {
    const cancelled = entryPackets(posted({ state: 'cancelled' }))
    expect(eventsOf(cancelled)).toEqual(['messageBroadcast'])
    expect(decoded(cancelled[0] ?? '')[1]).toMatchObject({ streamState: 'cancelled' })
    const [whole = ''] = entryPackets(posted())
    expect(decoded(whole)[1]).not.toHaveProperty('streamState')
    expect(listedMessageRow(message())).not.toHaveProperty('streamState')
  })

  it('has no error again when it is edited', () => {
    const edited: Entry = {
      kind: 'edited',
      channelId: 'c',
      seq: 5,
      at: 1,
      message: message({ state: 'failed' }),
    }
    expect(eventsOf(entryPackets(edited))).toEqual(['messageBroadcast'])
  })

  it('carries its own sender’s id and acknowledgement where the broadcast is', () => {
    const shared = entryPackets(posted({ state: 'failed' }, false))
    const own = ownPackets(shared, 'mine')
    expect(own.map((packet) => decoded(packet)[1]['clientMessageId'])).toEqual([
      undefined,
      'mine',
      undefined,
    ])
    expect(eventsOf(withAck(own, {}))).toEqual([
      'messageStreamError',
      'messageBroadcast',
      'messageAck',
      'messageComplete',
    ])
    expect(eventsOf(withAck([], {}))).toEqual(['messageAck'])
  })
})
