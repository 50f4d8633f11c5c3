import { describe, expect, it } from 'vitest'
import type { AgentTurn, Ephemeral } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import { connect } from '../compat/support/client.ts'
import { createAgentChannel, endStream, openStream, startSockets } from './support/socket-server.ts'
import { claimsOf, SECRET, signed } from './support/tokens.ts'

const chunkOf = (
  channelId: string,
  messageId: string,
  [index, offset, chunk]: readonly [number, number, string],
): Ephemeral => ({ kind: 'chunk', channelId, messageId, agentId: 'agent', index, offset, chunk })

const turnOf = (channelId: string, turn: Omit<AgentTurn, 'agentId'>): Ephemeral => ({
  kind: 'turn',
  channelId,
  agentId: 'agent',
  ...turn,
})

/** Everything that streams and turns say, in order. */
const SAID = [
  'channel_joined',
  'agent_state',
  'messageStreamChunk',
  'messageStreamError',
  'messageBroadcast',
  'messageComplete',
]

const tokenOf = async (sub: string) => ({ auth: { token: await signed(claimsOf(sub)) } })

describe('a stream on the socket', () => {
  it('goes to all in the channel, with the text so far to whoever comes late, and ends with its message', async () => {
    await using server = await startSockets()
    const { live, log, url } = server
    const channelId = await createAgentChannel(log)
    await using early = await connect(url, { entityId: 'early' })
    expect((await early.join(channelId))['agents']).toEqual([])
    const messageId = newId()
    await openStream(log, channelId, messageId)
    const turn = { messageId: 'q', streamMessageId: messageId } as const
    live.onEphemeral(turnOf(channelId, { messageId: 'q', state: 'thinking' }))
    live.onEphemeral(turnOf(channelId, { ...turn, state: 'streaming' }))
    live.onEphemeral(chunkOf(channelId, messageId, [0, 0, 'Hel']))
    live.onEphemeral(chunkOf(channelId, messageId, [1, 3, 'lo']))
    await early.sawMany('messageStreamChunk', 2)

    await using late = await connect(url, { entityId: 'late' })
    const answer = await late.join(channelId)
    expect(answer['agents']).toEqual([{ agentId: 'agent', state: 'streaming', ...turn }])
    live.onEphemeral(chunkOf(channelId, messageId, [2, 5, ' world']))
    await late.sawMany('messageStreamChunk', 2)
    await endStream(log, messageId, { text: 'Hello world', state: 'complete' })
    live.onEphemeral(turnOf(channelId, { messageId: 'q', state: 'idle' }))
    live.onEphemeral({ kind: 'complete', channelId, serverId: 's', messageId: 'q' })
    await Promise.all(
      [early, late].map((client) => client.saw('messageComplete', { messageId: 'q' })),
    )

    const where = { messageId, agentId: 'agent', channelId, roomId: channelId }
    const rest = { ...where, chunk: ' world', index: 2, offset: 5 }
    expect(early.all('messageStreamChunk')).toEqual([
      { ...where, chunk: 'Hel', index: 0, offset: 0 },
      { ...where, chunk: 'lo', index: 1, offset: 3 },
      rest,
    ])
    expect(late.all('messageStreamChunk')).toEqual([
      { ...where, chunk: 'Hello', index: 0, offset: 0 },
      rest,
    ])
    const [broadcast] = late.all('messageBroadcast')
    expect(broadcast).toMatchObject({ id: messageId, text: 'Hello world' })
    expect(broadcast).not.toHaveProperty('streamState')
    // The agent's own message is complete at once: nobody else is to answer it.
    const ending = [
      'messageStreamChunk',
      'messageBroadcast',
      'messageComplete',
      'agent_state',
      'messageComplete',
    ]
    expect(late.names(...SAID)).toEqual(['channel_joined', 'messageStreamChunk', ...ending])
    expect(early.names(...SAID).slice(-5)).toEqual(ending)
  })

  it('that was interrupted ends with an error, then its message, for who sees it and who resumes alike', async () => {
    await using server = await startSockets()
    const { live, log, url } = server
    const channelId = await createAgentChannel(log)
    await using reader = await connect(url, { entityId: 'reader' })
    const { epoch } = await reader.join(channelId)
    const messageId = newId()
    await openStream(log, channelId, messageId)
    live.onEphemeral(chunkOf(channelId, messageId, [0, 0, 'Hel']))
    await endStream(log, messageId, { text: 'Hel', state: 'interrupted' })
    await reader.saw('messageBroadcast')
    await using resumed = await connect(url, { entityId: 'resumed' })
    await resumed.join(channelId, { since: { epoch, seq: 0 } })
    for (const client of [reader, resumed]) {
      expect(client.all('messageStreamError')).toEqual([
        {
          messageId,
          channelId,
          roomId: channelId,
          agentId: 'agent',
          error: 'The stream was interrupted.',
          partialText: 'Hel',
        },
      ])
      expect(client.all('messageBroadcast')).toMatchObject([
        { id: messageId, streamState: 'interrupted' },
      ])
      const names = client.names('messageStreamError', 'messageBroadcast')
      expect(names).toEqual(['messageStreamError', 'messageBroadcast'])
    }
    expect(resumed.all('messageStreamChunk')).toEqual([])
  })

  it('of which nothing is left ends with an error alone, behind all that was shown', async () => {
    await using server = await startSockets()
    const { live, log, url } = server
    const channelId = await createAgentChannel(log)
    await using reader = await connect(url, { entityId: 'reader' })
    await reader.join(channelId)
    const messageId = newId()
    live.onEphemeral(chunkOf(channelId, messageId, [0, 0, 'Hel']))
    live.onEphemeral(chunkOf(channelId, messageId, [1, 3, 'lo']))
    live.onEphemeral({ kind: 'loss', channelId, messageId, agentId: 'agent', text: '' })
    const where = { messageId, channelId, roomId: channelId, agentId: 'agent' }
    const error = 'The stream was interrupted.'
    expect(await reader.saw('messageStreamError')).toEqual({
      ...where,
      error,
      partialText: 'Hello',
    })
    await reader.roundTrip()
    expect(reader.names(...SAID)).toEqual([
      'channel_joined',
      'messageStreamChunk',
      'messageStreamChunk',
      'messageStreamError',
    ])
  })

  it('is for nobody who has lost the channel, and nobody who may not come in', async () => {
    await using server = await startSockets({ jwtSecret: SECRET })
    const { live, log, url } = server
    const channelId = await createAgentChannel(log, 'API', ['member', 'leaver'])
    await using member = await connect(url, await tokenOf('member'))
    await using leaver = await connect(url, await tokenOf('leaver'))
    await using stranger = await connect(url, await tokenOf('stranger'))
    await Promise.all([member.join(channelId), leaver.join(channelId)])
    const messageId = newId()
    live.onEphemeral(chunkOf(channelId, messageId, [0, 0, 'for two']))
    await leaver.saw('messageStreamChunk')
    await log.append({
      type: 'change-participants',
      id: newId(),
      channelId,
      add: [],
      remove: ['leaver'],
    })
    live.onEphemeral(chunkOf(channelId, messageId, [1, 7, ' for one']))
    live.onEphemeral(turnOf(channelId, { messageId: 'q', state: 'thinking' }))
    await member.saw('agent_state')
    for (const client of [leaver, stranger]) {
      expect(await client.join(channelId)).toMatchObject({ code: 'ACCESS_DENIED' })
    }
    expect(leaver.all('messageStreamChunk').map(({ chunk }) => chunk)).toEqual(['for two'])
    expect(stranger.all('messageStreamChunk')).toEqual([])
    expect([...leaver.all('agent_state'), ...stranger.all('agent_state')]).toEqual([])
    expect(member.all('messageStreamChunk').map(({ chunk }) => chunk)).toEqual([
      'for two',
      ' for one',
    ])
  })
})

describe('cancel_stream', () => {
  it('asks for the end, under each of the channel’s names and also as a generic message', async () => {
    await using server = await startSockets()
    const { log, url } = server
    const channelId = await createAgentChannel(log)
    const messageId = newId()
    await openStream(log, channelId, messageId)
    await using client = await connect(url, { entityId: 'anyone' })
    const cancelled = { messageId, channelId, roomId: channelId, state: 'streaming' }
    for (const where of [{ channelId }, { roomId: channelId }]) {
      expect(await client.request('cancel_stream', { ...where, messageId })).toEqual(cancelled)
    }
    const payload = { channelId, messageId }
    const generic = await client.request('message', { type: 'cancel_stream', payload })
    expect(generic).toEqual(cancelled)
    expect((await openStream(log, channelId, messageId)).stream?.isCancelled).toBe(true)
    await endStream(log, messageId, { text: 'so far', state: 'cancelled' })
    expect(await client.request('cancel_stream', payload)).toEqual({
      ...cancelled,
      state: 'cancelled',
    })
  })

  it('refuses, as an event and in the callback, what is not there, and does not take it for the client’s message', async () => {
    await using server = await startSockets()
    const channelId = await createAgentChannel(server.log)
    await using client = await connect(server.url, { entityId: 'anyone' })
    const messageId = newId()
    const payload = { channelId, messageId }
    const wrong = [
      await client.request('cancel_stream', payload),
      await client.request('message', { type: 'cancel_stream', payload }),
      await client.request('cancel_stream', { channelId: newId(), messageId }),
      await client.request('cancel_stream', { channelId }),
      await client.request('cancel_stream', { messageId }),
      await client.request('cancel_stream'),
    ]
    expect(wrong.map(({ code }) => code)).toEqual([
      'STREAM_NOT_FOUND',
      'STREAM_NOT_FOUND',
      'CHANNEL_NOT_FOUND',
      'INVALID_PAYLOAD',
      'INVALID_PAYLOAD',
      'INVALID_PAYLOAD',
    ])
    const errors = await client.sawMany('messageError', wrong.length)
    expect(errors).toEqual(wrong)
    for (const error of errors) expect(error).not.toHaveProperty('clientMessageId')
  })

  it('is for those who may send: a hidden channel and none are refused alike', async () => {
    await using server = await startSockets({ jwtSecret: SECRET })
    const channelId = await createAgentChannel(server.log, 'API', ['member'])
    const messageId = newId()
    await openStream(server.log, channelId, messageId)
    await using member = await connect(server.url, await tokenOf('member'))
    await using stranger = await connect(server.url, await tokenOf('stranger'))
    const hidden = await stranger.request('cancel_stream', { channelId, messageId })
    const absent = await stranger.request('cancel_stream', { channelId: newId(), messageId })
    expect(hidden).toMatchObject({ code: 'ACCESS_DENIED' })
    expect(absent).toEqual(hidden)
    const reading = { channels: { [channelId]: ['join', 'read'] } }
    const token = await signed(claimsOf('member', reading))
    await using reader = await connect(server.url, { auth: { token } })
    const denied = await reader.request('cancel_stream', { channelId, messageId })
    expect(denied).toMatchObject({ code: 'ACCESS_DENIED' })
    expect((await openStream(server.log, channelId, messageId)).stream?.isCancelled).toBe(undefined)
    const answer = await member.request('cancel_stream', { channelId, messageId })
    expect(answer).toMatchObject({ state: 'streaming' })
  })
})
