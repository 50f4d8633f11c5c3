import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client, Payload } from '../compat/support/client.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'

const TIMEOUT_MS = 6_000
const GATE = '_gate'

/** Speaks until somebody or something ends it: at `finish` when there is a file, at `silent` without a word. */
const speaker = (version: string): string => `
  import { existsSync } from 'node:fs'
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export default {
    agent: { name: 'Speaker' },
    async message({ text }, env, ctx) {
      ctx.log.info({ text }, 'called')
      if (text === 'silent') return
      const stream = ctx.stream()
      await stream.write('${version} ' + text)
      if (text === 'throw') throw new Error('not for everybody')
      while (text === 'speak' || (text === 'finish' && !existsSync(new URL('./${GATE}', import.meta.url)))) {
        await pause(20)
        await stream.write(' and')
      }
      await stream.end('.')
    },
  }`

/** Answers whatever is said, which is another agent's word here and there. */
const OTHER = `
  export default {
    agent: { name: 'Other' },
    async message({ text }, env, ctx) { await ctx.reply('also ' + text) },
  }`

let agents: AgentServer

beforeAll(async () => {
  agents = await startAgents(
    { 'speaker.js': speaker('then'), 'other.js': OTHER },
    {
      PARLEY_AGENT_TIMEOUT_MS: String(TIMEOUT_MS),
      PARLEY_MAX_AGENT_TURNS: '0',
      PARLEY_DRAIN_MS: '1000',
    },
  )
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

async function scene(name: string, ...others: readonly string[]) {
  const members = [name, agents.agent('speaker'), ...others]
  const channelId = await agents.channel('GROUP', members)
  return { channelId, client: await agents.joined(name, channelId) }
}

/** All that one sees of the answer to a message that ends before its time, in order. */
async function expectBroken(
  client: Client,
  about: { readonly messageId: unknown; readonly error: string },
): Promise<Payload> {
  const { messageId, error } = about
  const told = await client.saw('messageStreamError', { error })
  const message = await client.saw('messageBroadcast', { id: told['messageId'] })
  expect(message['text']).toBe(told['partialText'])
  expect(String(message['text'])).toMatch(/^then /)
  await client.saw('messageComplete', { messageId })
  const names = client.names('messageStreamChunk', 'messageStreamError', 'messageBroadcast')
  expect(names.slice(names.indexOf('messageStreamError'))).toEqual([
    'messageStreamError',
    'messageBroadcast',
  ])
  return message
}

describe('a stream of an agent', { timeout: TEST_TIMEOUT_MS }, () => {
  it('whose process is killed is interrupted within seconds; the message is not answered again, the next one is', async () => {
    const { channelId, client } = await scene('ann')
    const { messageId } = await client.send(channelId, 'speak')
    await client.saw('messageStreamChunk')
    const pid = await agents.server.kill('agent-host')
    const message = await expectBroken(client, {
      messageId,
      error: 'the process that wrote it ended',
    })
    expect(message).toMatchObject({ streamState: 'interrupted' })
    await agents.server.healed([pid])
    const next = await client.send(channelId, 'next')
    await client.saw('messageComplete', { messageId: next['messageId'] })
    const texts = (await agents.said(channelId)).map(({ content }) => content)
    expect(texts).toEqual(['speak', message['text'], 'next', 'then next.'])
    for (const id of [messageId, message['id'], next['messageId']]) {
      expect(client.all('messageComplete', { messageId: id })).toHaveLength(1)
    }
    const turns = client.all('agent_state', { messageId: next['messageId'] })
    expect(turns.map(({ state }) => state)).toEqual(['thinking', 'streaming', 'idle'])
  })

  it('fails when its time is up, and when its handler throws, whose reasons are the operator’s; it is set aside', async () => {
    const { channelId, client } = await scene('bea')
    const late = await client.send(channelId, 'speak')
    const first = await expectBroken(client, {
      messageId: late['messageId'],
      error: 'the agent took too long',
    })
    expect(first).toMatchObject({ streamState: 'failed' })
    const { messageId } = await client.send(channelId, 'throw')
    await client.saw('messageStreamError', { error: 'the agent failed' })
    await client.saw('messageComplete', { messageId })
    const aside = { msg: 'worker failed: message set aside', messageId, attempt: 1 }
    expect(await agents.logged(aside)).toMatchObject({ reason: 'Error: not for everybody' })
    expect(JSON.stringify(client.all('messageStreamError'))).not.toContain('not for everybody')
  })

  it('is not needed: a message is complete when all have kept silent, of agents who may not answer each other, too', async () => {
    const { channelId, client } = await scene('dora', agents.agent('other'))
    const { messageId } = await client.send(channelId, 'silent')
    const reply = await client.saw('messageBroadcast', { text: 'also silent' })
    for (const id of [messageId, reply['id']]) {
      await client.saw('messageComplete', { messageId: id })
    }
    const silent = { msg: 'agent stays silent: too many turns of agents', channelId, hops: 1 }
    expect(await agents.logged(silent)).toMatchObject({ agentName: 'Speaker' })
    await client.roundTrip()
    for (const id of [messageId, reply['id']]) {
      expect(client.all('messageComplete', { messageId: id })).toHaveLength(1)
    }
    expect(await agents.said(channelId)).toHaveLength(2)
  })

  // The last one: connections end with their gateways.
  it('is finished by the process that began it when a new version is loaded', async () => {
    const channelId = await agents.channel('GROUP', ['cleo', agents.agent('speaker')])
    await agents.post(channelId, 'cleo', 'finish')
    await agents.logged({ msg: 'called', text: 'finish' })
    const [host = 0] = await agents.server.pids('agent-host')
    await agents.folder.write({ 'speaker.js': speaker('now') })
    process.kill(agents.server.pid, 'SIGUSR2')
    await agents.logged({ msg: 'agents take nothing more', pid: host })
    await agents.folder.write({ [GATE]: '' })
    const [answer] = await agents.answers(channelId, 'speaker', 1)
    expect(answer).not.toHaveProperty('streamState')
    expect(answer?.content).toMatch(/^then finish( and)*\.$/)
    await agents.server.healed([host])
    await agents.post(channelId, 'cleo', 'next')
    const answers = await agents.answers(channelId, 'speaker', 2)
    expect(answers.map(({ content }) => content)).toEqual([answer?.content, 'now next.'])
    expect(agents.lines({ msg: 'called', text: 'finish' })).toHaveLength(1)
  })
})
