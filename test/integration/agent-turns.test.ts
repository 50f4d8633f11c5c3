import { describe, expect, it } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { newId } from '../../src/util/new-id.ts'
import { AgentWorld } from './support/agent-world.ts'

const echo = {
  async message({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) {
    await ctx.reply(`you said ${text}`)
  },
}

describe.each(['memory', 'sqlite'] as const)('agents among others, on a %s log', (kind) => {
  it('talk among themselves, and fall silent after four turns without a human', async () => {
    await using world = new AgentWorld(kind)
    await world.host([world.worker('A', echo), world.worker('B', echo)])
    const channelId = await world.channel(['A'])
    // One channel with both would have each answer each: this way it is one conversation.
    await world.say(channelId, 'hi')
    await world.until(async () => (await world.texts(channelId, 'A')).length === 1)
    const both = await world.channel(['A', 'B'], { people: [] })
    const opening = { text: 'hi', source: 'test', hops: 0 }
    const id = newId()
    await world.log.append({
      type: 'post',
      id,
      message: { id, channelId: both, authorId: 'A', body: opening },
    })
    const silent = 'agent stays silent: too many turns of agents'
    await world.until(() => world.saying(silent).length === 1)
    const messages = await world.messages(both)
    expect(messages.map(({ authorId, body }) => [authorId, body.hops])).toEqual([
      ['A', 0],
      ['B', 1],
      ['A', 2],
      ['B', 3],
      ['A', 4],
      ['B', 5],
    ])
    expect(world.saying(silent)).toMatchObject([{ agentName: 'A', channelId: both, hops: 5 }])
    await world.say(both, 'a human again', 'alice')
    await world.until(async () => (await world.texts(both)).includes('you said a human again'))
  })

  it('never answer each other where no turn of theirs is allowed, whatever the other says of its turns', async () => {
    await using world = new AgentWorld(kind)
    const limits = { maxAgentTurns: 0 }
    await world.host([world.worker('A', echo), world.worker('B', echo)], { limits })
    const channelId = await world.channel(['A', 'B', 'elsewhere'])
    await world.say(channelId, 'an agent of somebody else’s', 'elsewhere')
    await world.say(channelId, 'hi')
    const silent = 'agent stays silent: too many turns of agents'
    await world.until(() => world.saying(silent).length === 4)
    expect((await world.messages(channelId)).map(({ authorId }) => authorId).toSorted()).toEqual([
      'A',
      'B',
      'alice',
      'elsewhere',
    ])
  })

  it('remove messages of the channel in hand, whoever wrote them, and no others', async () => {
    await using world = new AgentWorld(kind)
    const elsewhere = await world.say(await world.channel([]), 'in another channel')
    const codes: unknown[] = []
    const moderator = {
      async message(message: WorkerMessage, _env: unknown, ctx: MessageContext) {
        if (!message.text.includes('rude')) return
        await ctx.remove(message.id)
        await ctx.remove(message.id)
        const own = await ctx.reply('removed')
        await ctx.remove(own.id)
        await ctx.remove(elsewhere).catch(({ code }: { code: unknown }) => codes.push(code))
        world.notice()
      },
    }
    await world.host([world.worker('Moderator', moderator)])
    const channelId = await world.channel(['Moderator'])
    for (const text of ['kind', 'rude', 'kind too']) await world.say(channelId, text)
    await world.until(() => codes.length === 1)
    expect(codes).toEqual(['MESSAGE_NOT_FOUND'])
    expect(await world.texts(channelId)).toEqual(['kind', 'kind too'])
    expect(await world.log.message(elsewhere)).toBeDefined()
  })

  it('are seen thinking from the call of their handler until they are through, and never for what they overhear', async () => {
    await using world = new AgentWorld(kind)
    let runs = 0
    const agent = {
      async message({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) {
        runs += 1
        if (text === 'fails') throw new Error('broken')
        if (text === 'speaks') await ctx.reply('spoken')
        world.notice()
      },
    }
    await world.host([world.worker('Agent', agent)], {
      limits: { retryDelaysMs: [1], maxAgentTurns: 0 },
    })
    const channelId = await world.channel(['Agent', 'other'])
    const ids = []
    for (const text of ['speaks', 'silent', 'fails']) ids.push(await world.say(channelId, text))
    await world.say(channelId, 'an agent speaks', 'other')
    await world.until(() => world.saying('agent stays silent: too many turns of agents').length > 0)
    await world.until(() => world.isSettled('Agent'))
    const turns = world.frames.flatMap((frame) => (frame.kind === 'turn' ? [frame] : []))
    expect(turns.map(({ messageId, state }) => [messageId, state])).toEqual(
      ids.flatMap((id) => [
        [id, 'thinking'],
        [id, 'idle'],
      ]),
    )
    expect(runs).toBe(4)
  })
})
