import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client, Payload } from '../compat/support/client.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer, Listed } from './support/agent-server.ts'
import { eventually } from './support/eventually.ts'

/** Says what it was told, or what it sees of the channel when asked that. */
const TALKER = `
  export default {
    agent: { name: 'The Talker' },
    async message(message, env, ctx) {
      if (message.text === 'what was said?') {
        const history = await ctx.history()
        const latest = await ctx.history({ limit: 2 })
        const participants = await ctx.participants()
        await ctx.reply({
          text: 'this was said',
          thought: 'they want to know',
          actions: ['REPLY'],
          metadata: {
            history: history.map(({ senderName, text }) => senderName + ': ' + text),
            latest: latest.map(({ text }) => text),
            participants,
            channel: ctx.channel,
            agent: ctx.agent,
          },
        })
        return
      }
      ctx.typing()
      await ctx.reply('you said ' + message.text)
      if (message.text === 'twice') await ctx.reply('again')
    },
    join(event, env, ctx) {
      ctx.log.info({ joined: event }, 'seen joining')
      return ctx.reply('welcome ' + event.entityId)
    },
  }`

/** Answers everything, also what agents say. */
const chatty = (name: string): string => `
  export default {
    agent: { name: '${name}' },
    async message(message, env, ctx) {
      await ctx.reply('${name} heard ' + message.text.length)
    },
  }`

const SILENT = `export default { agent: { name: 'Silent' }, message() {} }`

let agents: AgentServer

beforeAll(async () => {
  agents = await startAgents({
    'talker.js': TALKER,
    'ping.js': chatty('Ping'),
    'pong.js': chatty('Pong'),
    'silent.js': SILENT,
  })
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

/** What a client saw of messages and of their being dealt with, as their ids. */
const course = (client: Client, channelId: string): string[] =>
  client.received
    .filter(({ payload }) => payload['channelId'] === channelId)
    .flatMap(({ event, payload }) => {
      if (event === 'messageBroadcast') return [`said ${String(payload['id'])}`]
      return event === 'messageComplete' ? [`complete ${String(payload['messageId'])}`] : []
    })

const answerTo = (messageId: unknown) => (payload: Payload) => payload['inReplyTo'] === messageId

describe('an agent of the workers folder', () => {
  it.each([
    ['DM', ['ann']],
    ['GROUP', ['ann', 'ben', 'cara']],
  ] as const)(
    'answers in a %s once, as itself, and then the message is complete',
    async (type, people) => {
      const talker = agents.agent('talker')
      const channelId = await agents.channel(type, [...people, talker])
      const ann = await agents.joined('ann', channelId)
      const others = await Promise.all(people.slice(1).map((who) => agents.joined(who, channelId)))
      await ann.sawMany('messageBroadcast', people.length, { channelId, senderId: talker })

      const expected: string[] = []
      for (const text of ['one', 'twice', 'three']) {
        const { messageId } = await ann.send(channelId, text)
        const complete = await ann.saw('messageComplete', { messageId })
        expect(complete).toEqual({ channelId, serverId: DEFAULT_SERVER_ID, messageId })
        const answers = ann.all('messageBroadcast', answerTo(messageId))
        expect(answers).toHaveLength(text === 'twice' ? 2 : 1)
        expect(answers[0]).toMatchObject({
          senderId: talker,
          senderName: 'The Talker',
          text: `you said ${text}`,
          source: 'agent_response',
          channelId,
          serverId: DEFAULT_SERVER_ID,
        })
        expected.push(
          `said ${String(messageId)}`,
          // Nobody is to deal with what the only agent says.
          ...answers.flatMap(({ id }) => [`said ${String(id)}`, `complete ${String(id)}`]),
          `complete ${String(messageId)}`,
        )
      }
      // Everybody saw the same, nothing was complete twice, and the agent did not answer itself.
      for (const client of [ann, ...others]) {
        await client.until(
          () => course(client, channelId).at(-1) === expected.at(-1),
          () => course(client, channelId).join('\n'),
        )
        await client.roundTrip()
        const seen = course(client, channelId)
        expect(seen.slice(-expected.length)).toEqual(expected)
        expect(new Set(seen).size).toBe(seen.length)
        const typing = client.all('typing', { channelId, entityId: talker })
        expect(typing[0]).toMatchObject({ isTyping: true })
        expect(typing.at(-1)).toMatchObject({ isTyping: false })
      }
      const said = await agents.said(channelId)
      expect(said.filter(({ authorId }) => authorId === talker)).toHaveLength(people.length + 4)
    },
  )

  it('sees what was said before and who takes part, and tells what it thought', async () => {
    const talker = agents.agent('talker')
    const channelId = await agents.channel('GROUP', ['dora', 'eve', talker])
    const dora = await agents.joined('dora', channelId)
    await dora.saw('messageBroadcast', { text: 'welcome dora' })
    const earlier = await dora.send(channelId, 'before', { senderName: 'Dora' })
    await dora.saw('messageComplete', { messageId: earlier['messageId'] })
    const { messageId } = await dora.send(channelId, 'what was said?')
    expect(await dora.saw('messageBroadcast', answerTo(messageId))).toMatchObject({
      thought: 'they want to know',
      actions: ['REPLY'],
      metadata: {
        history: ['The Talker: welcome dora', 'Dora: before', 'The Talker: you said before'],
        latest: ['before', 'you said before'],
        participants: [
          { id: 'dora', isAgent: false },
          { id: 'eve', isAgent: false },
          { id: talker, isAgent: true },
        ],
        channel: { id: channelId, type: 'GROUP', serverId: DEFAULT_SERVER_ID },
        agent: { id: talker, name: 'The Talker' },
      },
    })
  })

  it('is told once of who joins its channels, and of no other joins', async () => {
    const [theirs, others] = await Promise.all([
      agents.channel('GROUP', ['fay', agents.agent('talker')]),
      agents.channel('GROUP', ['fay', agents.agent('silent')]),
    ])
    const fay = await agents.clients.connect({ entityId: 'fay' })
    await fay.join(others, { metadata: { isDm: false } })
    await fay.join(theirs, { metadata: { isDm: true, nested: { a: [1] } } })
    const [welcome] = await agents.answers(theirs, 'talker', 1)
    expect(welcome).toMatchObject({ content: 'welcome fay', inReplyToRootMessageId: null })
    const seen = agents.lines({ msg: 'seen joining', agentName: 'The Talker' })
    const byFay = seen
      .map(({ joined }) => joined as Payload)
      .filter(({ entityId }) => entityId === 'fay')
    expect(byFay).toEqual([
      {
        entityId: 'fay',
        channelId: theirs,
        roomId: theirs,
        serverId: DEFAULT_SERVER_ID,
        worldId: DEFAULT_SERVER_ID,
        metadata: { isDm: true, nested: { a: [1] } },
        source: 'socketio',
      },
    ])
  })

  it('says nothing more after four turns without a human, and every message is complete once', async () => {
    const [ping, pong] = [agents.agent('ping'), agents.agent('pong')]
    const channelId = await agents.channel('GROUP', ['gus', ping, pong])
    const gus = await agents.joined('gus', channelId)
    const silent = () =>
      agents.lines({ msg: 'agent stays silent: too many turns of agents', channelId })
    let said: readonly Listed[] = []
    for (const round of [1, 2]) {
      await gus.send(channelId, `round ${round}`)
      // Whatever an agent hears it has answered by then, or was silent about.
      await eventually(
        async () => {
          said = await agents.said(channelId)
          const people = said.filter(({ authorId }) => authorId === 'gus').length
          const heard = 2 * people + (said.length - people)
          return people === round && said.length - people + silent().length === heard
        },
        { what: 'the end of the talk' },
      )
      await gus.sawMany('messageComplete', said.length, { channelId })
    }
    await gus.roundTrip()
    const completed = gus.all('messageComplete', { channelId })
    expect(completed).toHaveLength(said.length)
    expect(new Set(completed.map(({ messageId }) => messageId))).toEqual(
      new Set(said.map(({ id }) => id)),
    )
    // Both answer gus; then each turn is one more, of whom ever.
    expect(said.length).toBeGreaterThanOrEqual(2 * 5)
    expect(said.length).toBeLessThanOrEqual(2 * 11)
    const byId = new Map(said.map((one) => [one.id, one]))
    for (const { authorId, inReplyToRootMessageId: answered } of said) {
      if (authorId !== 'gus') expect(byId.get(answered ?? '')?.authorId).not.toBe(authorId)
    }
    for (const { hops } of silent()) expect(hops).toBeGreaterThan(4)
    expect(silent().length).toBeGreaterThanOrEqual(2)
  })

  it('may stay silent: the message is complete, and nobody else answers', async () => {
    const channelId = await agents.channel('DM', ['hal', agents.agent('silent')])
    const hal = await agents.joined('hal', channelId)
    const { messageId } = await hal.send(channelId, 'are you there?')
    await hal.saw('messageComplete', { messageId })
    await hal.roundTrip()
    expect(hal.all('messageComplete')).toHaveLength(1)
    expect(await agents.said(channelId)).toHaveLength(1)
  })
})
