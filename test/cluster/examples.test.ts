import { readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Client, Payload } from '../compat/support/client.ts'
import { delta, endless, Endpoint, streamed } from '../unit/workers/support/endpoint.ts'
import { agentsIn } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { eventually } from './support/eventually.ts'
import { channelPath, restData } from './support/rest.ts'
import { workerFolder } from './support/worker-folder.ts'

const PROJECT = path.join(import.meta.dirname, '../..')
const KEY = 'sk-secret-123'

let endpoint: Endpoint
let agents: AgentServer

beforeAll(async () => {
  endpoint = await new Endpoint().listen()
  const read = (name: string): Promise<string> =>
    readFile(path.join(PROJECT, 'workers', name), 'utf8')
  const assistant = await read('assistant.ts')
  const examples = {
    'assistant.ts': assistant,
    'echo.ts': await read('echo.ts'),
    'moderator.ts': await read('moderator.ts'),
    // The assistant of somebody who has set nothing.
    'unset.ts': assistant
      .replace("'Assistant'", "'Unset'")
      .replace("env: 'ASSISTANT_'", "env: 'UNSET_'"),
  }
  const helper = '_chat-completions.ts'
  const folder = await workerFolder({ ...examples, [helper]: await read(helper) })
  await symlink(path.join(PROJECT, 'node_modules'), path.join(folder.path, 'node_modules'))
  agents = await agentsIn(folder, Object.keys(examples).length, {
    ASSISTANT_URL: endpoint.url,
    ASSISTANT_MODEL: 'small',
    ASSISTANT_KEY: KEY,
    MODERATOR_WORDS: 'darn',
  })
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
  await endpoint[Symbol.asyncDispose]()
})

beforeEach(() => {
  endpoint.asked.length = 0
})

/** A channel of `ann` and one of the examples, with her in it. */
async function meet(worker: string, type: 'DM' | 'GROUP' = 'DM') {
  const channelId = await agents.channel(type, ['ann', agents.agent(worker)])
  return { channelId, ann: await agents.joined('ann', channelId) }
}

/** What came of a stream, in order: `chunk`s, and the events that name the message that it is. */
function course({ received }: Client, messageId: unknown): string[] {
  return received.flatMap(({ event, payload }) => {
    if (event === 'messageStreamChunk' && payload['messageId'] === messageId) return ['chunk']
    if (event === 'messageStreamError' && payload['messageId'] === messageId) return ['error']
    return event === 'messageBroadcast' && payload['id'] === messageId ? ['message'] : []
  })
}

const textOf = (chunks: readonly Payload[]): string =>
  chunks.map(({ chunk }) => String(chunk)).join('')

describe('the examples, copied into a folder of workers', () => {
  it('are agents', async () => {
    const answer = await fetch(`${agents.server.url}/api/agents`)
    const { data } = (await answer.json()) as { data: { agents: readonly Payload[] } }
    const names = data.agents.map(({ name }) => String(name))
    expect(names.toSorted()).toEqual(['Assistant', 'Echo', 'Moderator', 'Unset'])
  })

  it('Echo says it word by word when asked to, and then whole under the same id', async () => {
    const { ann, channelId } = await meet('echo')
    const { messageId } = await ann.send(channelId, 'stream one two three')
    const answer = await ann.saw('messageBroadcast', { inReplyTo: messageId })
    await ann.saw('messageComplete', { messageId })
    expect(answer).toMatchObject({ text: 'one two three', senderName: 'Echo' })
    const chunks = ann.all('messageStreamChunk', { messageId: answer['id'] })
    expect(textOf(chunks)).toBe('one two three')
    expect(chunks.length).toBeGreaterThan(1)
    expect(course(ann, answer['id']).at(-1)).toBe('message')
  })
  it('Assistant answers with the model, which is given what was said before', async () => {
    endpoint.answer = streamed('Hello ', 'Ann')
    const { ann, channelId } = await meet('assistant')
    const first = await ann.send(channelId, 'hi', { senderName: 'Ann' })
    const answer = await ann.saw('messageBroadcast', { inReplyTo: first['messageId'] })
    expect(answer).toMatchObject({ text: 'Hello Ann', senderName: 'Assistant' })
    expect(textOf(ann.all('messageStreamChunk', { messageId: answer['id'] }))).toBe('Hello Ann')
    const second = await ann.send(channelId, 'and now?', { senderName: 'Ann' })
    await ann.saw('messageComplete', { messageId: second['messageId'] })
    expect(endpoint.asked).toHaveLength(2)
    expect(endpoint.asked[1]).toMatchObject({
      path: '/v1/chat/completions',
      authorization: `Bearer ${KEY}`,
      body: {
        model: 'small',
        stream: true,
        messages: [
          { role: 'system', content: 'You are Assistant, in a chat. Answer briefly.' },
          { role: 'user', content: 'Ann: hi' },
          { role: 'assistant', content: 'Hello Ann' },
          { role: 'user', content: 'Ann: and now?' },
        ],
      },
    })
  })

  it('Assistant stops, and the endpoint with it, when somebody cancels; then it answers again', async () => {
    endpoint.answer = endless('well, let me')
    const { hungUp } = endpoint
    const { ann, channelId } = await meet('assistant')
    const { messageId } = await ann.send(channelId, 'think')
    const chunk = await ann.saw('messageStreamChunk', { channelId })
    const id = String(chunk['messageId'])
    const cancel = `${channelPath(channelId)}/messages/${id}/cancel`
    await restData<unknown>(agents.server.url, { method: 'POST', path: cancel, body: {} })
    const broken = await ann.saw('messageBroadcast', { id })
    expect(broken).toMatchObject({ text: 'well, let me', streamState: 'cancelled' })
    await ann.saw('messageComplete', { messageId })
    await eventually(() => endpoint.hungUp > hungUp || undefined, {
      what: 'the end of the request',
    })
    endpoint.answer = streamed('here I am')
    const next = await ann.send(channelId, 'still there?')
    await ann.saw('messageBroadcast', { inReplyTo: next['messageId'], text: 'here I am' })
    expect(agents.lines({ agentName: 'Assistant', level: 50 })).toEqual([])
  })

  it('Assistant that breaks off in the middle says what is wrong, without the key', async () => {
    endpoint.answer = (response) => {
      response.write(delta('half of'))
      response.end(`data: {"error":{"message":"no capacity for ${KEY}"}}\n\n`)
    }
    const { ann, channelId } = await meet('assistant')
    const { messageId } = await ann.send(channelId, 'go on')
    const failed = await ann.saw('messageStreamError', { channelId })
    expect(failed).toMatchObject({ partialText: 'half of', agentId: agents.agent('assistant') })
    await ann.saw('messageComplete', { messageId })
    expect(course(ann, failed['messageId'])).toEqual(['chunk', 'error', 'message'])
    const line = await agents.logged({ msg: 'worker failed: message set aside', messageId })
    expect(line['reason']).toContain(`no answer of ${endpoint.host}: no capacity for …`)
    expect(JSON.stringify([agents.server.lines, ann.received])).not.toContain(KEY)
    expect(endpoint.asked).toHaveLength(1)
  })

  it('Assistant without an endpoint says so once in the log and nothing in its channels', async () => {
    for (const type of ['DM', 'GROUP'] as const) {
      const { ann, channelId } = await meet('unset', type)
      const { messageId } = await ann.send(channelId, 'Unset, are you there?')
      await ann.saw('messageComplete', { messageId })
      expect(await agents.said(channelId)).toHaveLength(1)
      expect(ann.all('typing')).toEqual([])
    }
    const lines = agents.lines({ agentName: 'Unset' }).filter(({ level }) => Number(level) >= 30)
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [30, 'worker loaded'],
      [
        40,
        'Assistant stays silent: set ASSISTANT_URL (and ASSISTANT_MODEL), and start the server again',
      ],
    ])
    expect(endpoint.asked).toEqual([])
  })

  it('Moderator removes a message with an unwanted word and says why, once', async () => {
    const { ann, channelId } = await meet('moderator', 'GROUP')
    const sent: unknown[] = []
    for (const text of ['oh darn', 'darn again', 'all is well']) {
      const { messageId } = await ann.send(channelId, text)
      await ann.saw('messageComplete', { messageId })
      sent.push(messageId)
    }
    expect(ann.all('messageDeleted').map(({ messageId }) => messageId)).toEqual(sent.slice(0, 2))
    const said = await agents.said(channelId)
    expect(said.map(({ content }) => content)).toEqual([
      expect.stringContaining('your message was removed: it has a word that is not used here'),
      'all is well',
    ])
  })
})
