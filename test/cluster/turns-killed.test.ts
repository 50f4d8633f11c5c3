import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../compat/support/client.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { channelPath, restData } from './support/rest.ts'

const MESSAGES = 60

/** An agent that deals with what people say and lets agents talk. */
const agent = (name: string, handle: string): string => `
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export default {
    agent: { name: '${name}' },
    async message(message, env, ctx) {
      if (message.senderId !== 'ann') return
      ${handle}
    },
  }`

const FILES = {
  'quick.js': agent('Quick', `await ctx.reply('quick ' + message.text)`),
  'writer.js': agent(
    'Writer',
    `const stream = ctx.stream()
     for (const part of ['written ', message.text]) { await stream.write(part); await pause(15) }
     await stream.end()`,
  ),
  'silent.js': agent('Silent', 'await pause(20)'),
  'late.js': agent('Late', `await ctx.reply('late ' + message.text)`),
}

const numbers = Array.from({ length: MESSAGES }, (_, index) => `${index}`)

let agents: AgentServer

beforeAll(async () => {
  agents = await startAgents(FILES, { PARLEY_AGENT_HOSTS: '2' })
}, TEST_TIMEOUT_MS)

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

/** Kills every process of these roles; answers which they were. */
async function killAll(roles: readonly ('agent-host' | 'writer')[]): Promise<readonly number[]> {
  const pids = (await Promise.all(roles.map((role) => agents.server.pids(role)))).flat()
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  return pids
}

/** Each message of the channel was told to be complete once, to each of these. */
async function expectComplete(clients: readonly Client[], channelId: string): Promise<void> {
  const ids = (await agents.said(channelId)).map(({ id }) => id)
  for (const client of clients) {
    for (const messageId of ids) await client.saw('messageComplete', { messageId })
    await client.roundTrip()
    const told = client
      .all('messageComplete', { channelId })
      .map(({ messageId }) => String(messageId))
    expect(told.toSorted()).toEqual(ids.toSorted())
  }
}

describe('agents whose processes are killed', { timeout: TEST_TIMEOUT_MS }, () => {
  it('answer each message once, and each is complete once, although host and writer are killed again and again', async () => {
    const { server } = agents
    const names = ['quick', 'writer', 'silent'] as const
    const channelId = await agents.channel('GROUP', [
      'ann',
      ...names.map((name) => agents.agent(name)),
    ])
    // One that nobody here runs keeps nobody waiting.
    await restData<unknown>(server.url, {
      method: 'POST',
      path: `${channelPath(channelId)}/agents`,
      body: { agentId: 'external' },
    })
    const listeners = await Promise.all(
      ['ann', 'ben', 'cara', 'dan'].map((one) => agents.joined(one, channelId)),
    )
    const [ann] = listeners
    const sent = (async () => {
      for (const text of numbers) {
        await ann?.send(channelId, text)
        await delay(20)
      }
    })()
    const blows = [
      ['writer'],
      ['agent-host'],
      ['writer', 'agent-host'],
      ['agent-host'],
      ['writer'],
    ] as const
    for (const [index, roles] of blows.entries()) {
      await agents.answers(channelId, 'quick', Math.floor(((2 * index + 1) * MESSAGES) / 10))
      await server.healed(await killAll(roles))
    }
    await sent
    const [quick, written] = await Promise.all(
      (['quick', 'writer'] as const).map((name) => agents.answers(channelId, name, MESSAGES)),
    )
    const said = await agents.said(channelId)
    const asked = said.filter(({ authorId }) => authorId === 'ann')
    expect(asked.map(({ content }) => content)).toEqual(numbers)
    expect(quick?.map(({ content }) => content)).toEqual(numbers.map((text) => `quick ${text}`))
    // What was shown when its process was killed stands, and is not begun anew.
    const answers = written?.map(({ inReplyToRootMessageId }) => inReplyToRootMessageId)
    expect(answers).toEqual(asked.map(({ id }) => id))
    expect(said).toHaveLength(3 * MESSAGES)
    await expectComplete(listeners, channelId)
  })

  it('answer nothing that was said before they took part, also when they begin anew further back', async () => {
    const { server } = agents
    const channelId = await agents.channel('GROUP', ['ann', agents.agent('quick')])
    const ann = await agents.joined('ann', channelId)
    // Places that are not for it are stored as passed some seconds later.
    for (const text of ['before', 'just before']) await ann.send(channelId, text)
    await agents.answers(channelId, 'quick', 2)
    await restData<unknown>(server.url, {
      method: 'POST',
      path: `${channelPath(channelId)}/agents`,
      body: { agentId: agents.agent('late') },
    })
    await ann.send(channelId, 'since')
    await server.healed(await killAll(['agent-host']))
    await ann.send(channelId, 'and then')
    const late = await agents.answers(channelId, 'late', 2)
    await agents.answers(channelId, 'quick', 4)
    expect(late.map(({ content }) => content)).toEqual(['late since', 'late and then'])
    await expectComplete([ann], channelId)
    expect(await agents.said(channelId)).toHaveLength(10)
  })
})
