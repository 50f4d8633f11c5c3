import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client, Payload } from '../compat/support/client.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'

/** Writes so many words, one every 20 ms, and says about the last one that it is. */
const WRITER = `
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export default {
    agent: { name: 'Writer' },
    async message(message, env, ctx) {
      const stream = ctx.stream()
      for (let n = 0; n < Number(message.text); n += 1) {
        await stream.write(n + ' ')
        await pause(20)
      }
      await stream.end('end')
    },
  }`

let agents: AgentServer

beforeAll(async () => {
  agents = await startAgents({ 'writer.js': WRITER })
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

const words = (count: number): string =>
  [...Array.from({ length: count }, (_, n) => `${n} `), 'end'].join('')

/** What a reader made of the chunks, each of which has to go on where the one before it ended. */
function shown(client: Client): string {
  return client.all('messageStreamChunk').reduce((text, { offset, chunk }) => {
    expect(offset).toBe(text.length)
    return text + String(chunk)
  }, '')
}

/** The answer's message, and that nothing of it came after it. */
async function answered(client: Client, writerId: string): Promise<Payload> {
  const message = await client.saw('messageBroadcast', { senderId: writerId })
  const names = client.names('messageStreamChunk', 'messageBroadcast')
  expect(names.at(-1)).toBe('messageBroadcast')
  return message
}

/** Somebody who asks, in a channel with the writer, and a reader on another gateway who is to come. */
async function scene(asker: string, reader: string) {
  const writerId = agents.agent('writer')
  const [one, other] = await agents.clients.pair({ entityId: asker }, { entityId: reader })
  const channelId = await agents.channel('GROUP', [asker, writerId])
  await one.join(channelId)
  return { writerId, channelId, one, other }
}

describe('a stream, seen from two gateways', { timeout: TEST_TIMEOUT_MS }, () => {
  it('is whole for who came late to the other one, and its turn is told in order', async () => {
    const { writerId, channelId, one, other } = await scene('asks', 'comes-late')
    const ack = await one.send(channelId, '60')
    const { messageId: streamId } = await one.saw(
      'messageStreamChunk',
      ({ offset }) => Number(offset) > 20,
    )
    const joined = await other.join(channelId)
    const turn = { agentId: writerId, messageId: ack['messageId'], state: 'streaming' }
    expect(joined['agents']).toEqual([{ ...turn, streamMessageId: streamId }])
    for (const client of [one, other]) {
      const message = await answered(client, writerId)
      expect(message).toMatchObject({ id: streamId, text: words(60) })
      expect(words(60).startsWith(shown(client))).toBe(true)
      await client.saw('messageComplete', { messageId: ack['messageId'] })
      await client.saw('agent_state', { state: 'idle' })
    }
    expect(other.all('messageStreamChunk')[0]).toMatchObject({ index: 0, offset: 0 })
    expect(one.all('agent_state').map(({ state }) => state)).toEqual([
      'thinking',
      'streaming',
      'idle',
    ])
    expect(one.all('messageComplete', { messageId: ack['messageId'] })).toHaveLength(1)
  })

  it('goes on without a hole where the log’s process is killed, and is complete once', async () => {
    const { writerId, channelId, one, other } = await scene('asks-on', 'looks-on')
    await other.join(channelId)
    const ack = await one.send(channelId, '150')
    await other.saw('messageStreamChunk', ({ offset }) => Number(offset) > 20)
    await agents.server.kill('writer')
    for (const client of [one, other]) {
      const message = await answered(client, writerId)
      expect(message).toMatchObject({ text: words(150) })
      expect(message).not.toHaveProperty('streamState')
      expect(words(150).startsWith(shown(client))).toBe(true)
      expect(shown(client).length).toBeGreaterThan(words(75).length)
      await client.saw('messageComplete', { messageId: ack['messageId'] })
      await client.saw('agent_state', { state: 'idle' })
      expect(client.all('messageComplete', { messageId: ack['messageId'] })).toHaveLength(1)
    }
  })

  it('is ended by whoever takes part, from the other gateway too, and stays as far as it was', async () => {
    const { writerId, channelId, one, other } = await scene('asks-much', 'has-enough')
    await other.join(channelId)
    const ack = await one.send(channelId, '5000')
    const { messageId } = await other.saw('messageStreamChunk')
    const answer = await other.request('cancel_stream', { channelId, messageId })
    expect(answer).toEqual({ messageId, channelId, roomId: channelId, state: 'streaming' })
    for (const client of [one, other]) {
      const message = await answered(client, writerId)
      expect(message).toMatchObject({ id: messageId, streamState: 'cancelled' })
      expect(words(5_000).startsWith(String(message['text']))).toBe(true)
      expect(String(message['text']).startsWith(shown(client))).toBe(true)
      await client.saw('messageComplete', { messageId: ack['messageId'] })
      expect(client.all('messageStreamError')).toEqual([])
    }
    const again = await one.request('cancel_stream', { channelId, messageId })
    expect(again).toMatchObject({ state: 'cancelled' })
  })

  it('does not begin about a message that is cancelled while it waits, whichever process is killed then', async () => {
    const { writerId, channelId, one, other } = await scene('asks-twice', 'thinks-better')
    await other.join(channelId)
    const first = await one.send(channelId, '5000')
    const [soon, later] = [await one.send(channelId, '1'), await one.send(channelId, '2')]
    await other.saw('messageStreamChunk')
    const cancel = ({ messageId }: Payload): Promise<Payload> =>
      other.request('cancel_stream', { channelId, messageId })
    expect(await cancel(soon)).toMatchObject({ messageId: soon['messageId'], state: 'waiting' })
    // At once, though the agent is at the one before.
    await one.saw('messageComplete', { messageId: soon['messageId'] })
    expect(one.all('messageBroadcast', { senderId: writerId })).toEqual([])
    expect(await cancel(soon)).toMatchObject({ state: 'complete' })
    const hosts = await agents.server.pids('agent-host')
    await agents.server.kill('agent-host')
    expect(await cancel(later)).toMatchObject({ state: 'waiting' })
    await agents.server.kill('writer')
    await agents.server.healed(hosts)
    // What of it nobody had stored yet is begun anew.
    await cancel(first)
    await one.send(channelId, '3')
    await one.saw('messageBroadcast', { senderId: writerId, text: words(3) })
    await one.saw('messageComplete', { messageId: later['messageId'] })
    const answers = one.all('messageBroadcast', { senderId: writerId }).map(({ text }) => text)
    for (const count of [1, 2]) expect(answers).not.toContain(words(count))
  })
})
