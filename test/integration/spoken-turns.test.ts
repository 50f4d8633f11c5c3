import { expect, it } from 'vitest'
import type { ChannelLog } from '../../src/log/log.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { connect } from '../compat/support/client.ts'
import { createAgentChannel, startSockets } from './support/socket-server.ts'
import { startRest } from './support/rest-server.ts'
import { claimsOf, SECRET, signed } from './support/tokens.ts'

/** The turns of agents that the log has counted, oldest message first. */
async function turnsIn(log: ChannelLog, channelId: string) {
  const { messages } = await log.messages({ channelId, limit: 100 })
  return messages.toReversed().map(({ authorId, body }) => [authorId, body.hops])
}

const tokenOf = (sub: string, role: 'agent' | 'user') => signed(claimsOf(sub, { role }))

it('an agent’s token makes what it says on a socket a turn of agents, a user’s does not', async () => {
  await using server = await startSockets({ jwtSecret: SECRET })
  const channelId = await createAgentChannel(server.log)
  for (const [who, role] of [
    ['ann', 'user'],
    ['bot', 'agent'],
    ['bot', 'agent'],
    ['ann', 'user'],
  ] as const) {
    await using client = await connect(server.url, { auth: { token: await tokenOf(who, role) } })
    await client.join(channelId)
    await client.send(channelId, 'hello')
  }
  expect(await turnsIn(server.log, channelId)).toEqual([
    ['ann', undefined],
    ['bot', 1],
    ['bot', 2],
    ['ann', undefined],
  ])
})

it('so it is over REST; what is submitted as an agent’s is one whoever submits it, and what an agent bridges is people’s', async () => {
  await using server = await startRest({ settings: { jwtSecret: SECRET, apiKey: 'the key' } })
  const channelId = await createAgentChannel(server.log)
  const add = [{ entityId: 'bot', isAgent: false }]
  await server.log.append({ type: 'change-participants', id: 'add', channelId, add, remove: [] })
  const key = { 'x-api-key': 'the key' }
  const bot = { authorization: `Bearer ${await tokenOf('bot', 'agent')}` }
  const body = (author_id: string) => ({
    channel_id: channelId,
    message_server_id: DEFAULT_SERVER_ID,
    author_id,
    content: 'hello',
    source_type: 'test',
    raw_message: { text: 'hello' },
  })
  const messages = `/api/messaging/channels/${channelId}/messages`
  for (const [path, author, headers] of [
    [messages, 'bot', bot],
    ['/api/messaging/submit', 'tool', key],
    ['/api/messaging/action', 'tool', key],
    ['/api/messaging/submit', 'bot', bot],
    [messages, 'ann of elsewhere', bot],
    ['/api/messaging/ingest-external', 'ann', key],
    [messages, 'bot', bot],
  ] as const) {
    const { status } = await server.call('POST', path, body(author.replaceAll(' ', '-')), headers)
    expect([path, Math.floor(status / 100)]).toEqual([path, 2])
  }
  expect(await turnsIn(server.log, channelId)).toEqual([
    ['bot', 1],
    ['tool', 2],
    ['tool', 3],
    ['bot', 4],
    ['ann-of-elsewhere', undefined],
    ['ann', undefined],
    ['bot', 1],
  ])
})
