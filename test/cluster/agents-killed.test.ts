import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../compat/support/client.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer, Listed } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'

const MESSAGES = 60
const CHANNELS = 3

const GATE = '_gate'

/**
 * Takes its time, and says two things about each message: a process that is killed may have said one. At `hold`
 * it waits until there is a file.
 */
const slow = (version: string): string => `
  import { existsSync } from 'node:fs'
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export default {
    agent: { name: 'Slow' },
    async message(message, env, ctx) {
      const { isDuplicate } = await ctx.reply('first ' + message.text)
      if (isDuplicate) ctx.log.info('had said that')
      if (message.text === 'hold') {
        ctx.log.info('holding')
        while (!existsSync(new URL('./${GATE}', import.meta.url))) await pause(10)
      }
      await pause(25)
      await ctx.reply('${version} ' + message.text)
    },
  }`

let agents: AgentServer

beforeAll(async () => {
  agents = await startAgents({ 'slow.js': slow('then') }, { PARLEY_DRAIN_MS: '5000' })
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

interface Stream extends AsyncDisposable {
  readonly channels: readonly string[]
  /** Resolves when everything is sent. */
  readonly sent: Promise<void>
}

async function speak(speaker: Client, channelId: string): Promise<void> {
  for (let index = 0; index < MESSAGES; index += 1) {
    await speaker.send(channelId, `${index}`)
    await delay(20)
  }
}

/** Messages in some channels, steadily, while something is done to the server. */
async function stream(name: string): Promise<Stream> {
  const speakers = await Promise.all(
    Array.from({ length: CHANNELS }, async (_, index) => {
      const channelId = await agents.channel('GROUP', [name, agents.agent('slow')])
      const speaker = await agents.joined(`${name}-${index}`, channelId)
      return { channelId, speaker }
    }),
  )
  return {
    channels: speakers.map(({ channelId }) => channelId),
    sent: Promise.all(speakers.map(({ speaker, channelId }) => speak(speaker, channelId))).then(
      () => undefined,
    ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(speakers.map(({ speaker }) => speaker[Symbol.asyncDispose]()))
    },
  }
}

const textsOf = (said: readonly Listed[]): string[] => said.map(({ content }) => content)

/** Every message of the channel was answered, twice as it should be, in the order of the channel. */
async function expectAnswered(channelId: string): Promise<void> {
  const answers = await agents.answers(channelId, 'slow', MESSAGES * 2)
  const asked = (await agents.said(channelId)).filter(
    ({ authorId }) => authorId !== agents.agent('slow'),
  )
  expect(textsOf(asked)).toEqual(Array.from({ length: MESSAGES }, (_, index) => `${index}`))
  expect(textsOf(answers)).toEqual(
    textsOf(asked).flatMap((text) => [`first ${text}`, `then ${text}`]),
  )
  expect(answers.map(({ inReplyToRootMessageId }) => inReplyToRootMessageId)).toEqual(
    asked.flatMap(({ id }) => [id, id]),
  )
}

describe('an agent in the middle of its work', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(['agent-host', 'writer'] as const)(
    'answers every message once and in order, although the %s is killed again and again',
    async (role) => {
      await using messages = await stream(`killed-${role}`)
      const [first = ''] = messages.channels
      for (const share of [0.1, 0.35, 0.6, 0.85]) {
        await agents.answers(first, 'slow', Math.floor(share * MESSAGES * 2))
        const pid = await agents.server.kill(role)
        await agents.server.healed([pid])
      }
      await messages.sent
      for (const channelId of messages.channels) await expectAnswered(channelId)
      expect(agents.lines({ msg: 'worker failed: message set aside' })).toEqual([])
      // It did happen in the middle of handlers.
      if (role === 'agent-host') expect(agents.lines({ msg: 'had said that' })).not.toEqual([])
    },
  )

  it('finishes it on the version that began it, while what comes later is for the next one', async () => {
    const { server, folder } = agents
    const [channelId, other] = await Promise.all([
      agents.channel('GROUP', ['ida', agents.agent('slow')]),
      agents.channel('GROUP', ['ida', agents.agent('slow')]),
    ])
    const [oldHost = 0] = await server.pids('agent-host')
    await agents.post(channelId, 'ida', 'hold')
    await agents.logged({ msg: 'holding' })
    await folder.write({ 'slow.js': slow('newly') })
    process.kill(server.pid, 'SIGUSR2')
    await agents.logged({ msg: 'agents take nothing more', pid: oldHost })
    // Behind the one in work, and in a channel where nothing is.
    await agents.post(channelId, 'ida', 'later')
    await agents.post(other, 'ida', 'elsewhere')
    const ida = await agents.joined('ida', channelId)
    expect(await agents.said(other)).toHaveLength(1)
    await folder.write({ [GATE]: '' })
    expect(textsOf(await agents.answers(channelId, 'slow', 4))).toEqual([
      'first hold',
      'then hold',
      'first later',
      'newly later',
    ])
    expect(textsOf(await agents.answers(other, 'slow', 2))).toEqual([
      'first elsewhere',
      'newly elsewhere',
    ])
    await server.healed([oldHost])
    const asked = (await agents.said(channelId)).filter(({ authorId }) => authorId === 'ida')
    expect(asked).toHaveLength(2)
    for (const { id } of asked) await ida.saw('messageComplete', { messageId: id })
    await ida.roundTrip()
    const completed = ida.all('messageComplete').map(({ messageId }) => messageId)
    expect(new Set(completed).size).toBe(completed.length)
    expect(agents.lines({ msg: 'holding' })).toHaveLength(1)
  })
})
