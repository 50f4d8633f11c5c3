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

const wordsOf = (messages: readonly WorkerMessage[]) => messages.map(({ text }) => text)

describe.each(['memory', 'sqlite'] as const)('agents on a %s log', (kind) => {
  it('answer every message of others in their channels, in order, and never their own', async () => {
    await using world = new AgentWorld(kind)
    await world.host([world.worker('Echo', echo)])
    const mine = await world.channel(['Echo'])
    const other = await world.channel([])
    for (const text of ['one', 'two', 'three']) {
      await world.say(mine, text)
      await world.say(other, text)
    }
    await world.until(async () => (await world.texts(mine, 'Echo')).length === 3)
    expect(await world.texts(mine, 'Echo')).toEqual([
      'you said one',
      'you said two',
      'you said three',
    ])
    expect(await world.texts(other)).toEqual(['one', 'two', 'three'])
  })

  it('do not answer what was said before they came, nor under an id that they had not then', async () => {
    await using world = new AgentWorld(kind)
    const channelId = await world.channel(['old-id', 'new-id'])
    const oldOnly = await world.channel(['old-id'])
    await world.say(channelId, 'history')
    const first = await world.host([world.worker('Echo', echo, 'old-id')])
    await world.say(channelId, 'to the old one')
    await world.until(async () => (await world.texts(channelId, 'old-id')).length === 1)
    await first.drain(1_000)
    await world.say(channelId, 'between')
    await world.host([world.worker('Echo', echo, 'new-id')])
    await world.say(oldOnly, 'to nobody any more')
    await world.say(channelId, 'to the new one')
    await world.until(async () => (await world.texts(channelId, 'new-id')).length > 0)
    expect(await world.texts(channelId, 'new-id')).toEqual(['you said to the new one'])
    expect(await world.texts(channelId, 'old-id')).toEqual(['you said to the old one'])
    expect(await world.texts(oldOnly)).toEqual(['to nobody any more'])
  })

  it('answer what came while no process ran them, once one does again', async () => {
    await using world = new AgentWorld(kind)
    const channelId = await world.channel(['Echo'])
    const first = await world.host([world.worker('Echo', echo)])
    await first.drain(1_000)
    for (let index = 0; index < 1_200; index += 1) void world.say(channelId, `m${index}`)
    await world.say(channelId, 'last')
    let count = 0
    const counting = {
      async message(...[message, env, ctx]: Parameters<typeof echo.message>) {
        await echo.message(message, env, ctx)
        count += 1
        world.notice()
      },
    }
    await world.host([world.worker('Echo', counting)])
    await world.until(() => count === 1_201)
    const texts = await world.texts(channelId, 'Echo')
    expect(texts.slice(0, 3)).toEqual(['you said m0', 'you said m1', 'you said m2'])
    expect(texts.at(-1)).toBe('you said last')
    expect(new Set(texts).size).toBe(1_201)
  })

  it('work in one channel at a time in order, in many at once, and one that waits holds up no other', async () => {
    await using world = new AgentWorld(kind)
    const open: (() => void)[] = []
    let running = 0
    let most = 0
    const slow = {
      async message({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) {
        running += 1
        most = Math.max(most, running)
        if (text === 'wait') {
          await new Promise<void>((resolve) => {
            open.push(resolve)
            world.notice()
          })
        }
        running -= 1
        await ctx.reply(`did ${text}`)
      },
    }
    const limits = { maxBusyChannels: 3, channelReadAhead: 2, readAhead: 12 }
    await world.host([world.worker('Slow', slow)], { limits })
    const [busy = '', second = '', third = ''] = await Promise.all(
      [1, 2, 3].map(() => world.channel(['Slow'])),
    )
    // Far more than is held in memory, in a channel that stands still.
    await world.say(busy, 'wait')
    for (let index = 0; index < 50; index += 1) await world.say(busy, `b${index}`)
    await world.say(second, 'wait')
    await world.say(third, 'quick')
    await world.until(
      async () => open.length === 2 && (await world.texts(third, 'Slow')).length === 1,
    )
    expect(await world.texts(busy, 'Slow')).toEqual([])
    for (const resolve of open) resolve()
    await world.until(async () => (await world.texts(busy, 'Slow')).length === 51)
    expect(await world.texts(busy, 'Slow')).toEqual([
      'did wait',
      ...Array.from({ length: 50 }, (_, index) => `did b${index}`),
    ])
    expect(most).toBeLessThanOrEqual(3)
  })

  it('reply as themselves: with what they answer, how they thought, and whatever they add', async () => {
    await using world = new AgentWorld(kind)
    const seen: unknown[] = []
    const agent = {
      async message(message: WorkerMessage, _env: unknown, ctx: MessageContext) {
        seen.push(message, ctx.channel, ctx.agent)
        const sent = await ctx.reply({
          text: 'hello',
          thought: 'a greeting',
          actions: ['REPLY'],
          attachments: [{ url: 'a' }],
          metadata: { mood: 'good' },
        })
        seen.push(sent)
        await ctx.send(message.metadata.to as string, 'elsewhere')
      },
    }
    await world.host([world.worker('Agent', agent, 'the-agent')])
    const channelId = await world.channel(['the-agent'], { type: 'DM' })
    const elsewhere = await world.channel([])
    const id = newId()
    const body = { text: 'hi', source: 'test', senderName: 'Alice', metadata: { to: elsewhere } }
    await world.log.append({
      type: 'post',
      id,
      message: { id, channelId, authorId: 'alice', body },
    })
    await world.until(async () => (await world.messages(elsewhere)).length === 1)
    const [, reply] = await world.messages(channelId)
    expect(reply).toMatchObject({
      authorId: 'the-agent',
      clientMessageId: `re:${id}:1`,
      body: {
        text: 'hello',
        senderName: 'Agent',
        source: 'agent_response',
        inReplyTo: id,
        raw: { thought: 'a greeting', actions: ['REPLY'] },
        attachments: [{ url: 'a' }],
        metadata: { mood: 'good' },
        hops: 1,
      },
    })
    const [other] = await world.messages(elsewhere)
    expect(other).toMatchObject({ clientMessageId: `re:${id}:2`, body: { hops: 1 } })
    expect(other?.body.inReplyTo).toBeUndefined()
    expect(seen).toEqual([
      expect.objectContaining({
        id,
        channelId,
        senderId: 'alice',
        senderName: 'Alice',
        text: 'hi',
      }),
      { id: channelId, serverId: expect.any(String), type: 'DM', name: 'A channel' },
      { id: 'the-agent', name: 'Agent' },
      { id: reply?.id, channelId, seq: 2, createdAt: reply?.createdAt, isDuplicate: false },
    ])
  })

  it('see what was said before, who takes part, and show that they type', async () => {
    await using world = new AgentWorld(kind)
    const seen: unknown[] = []
    const agent = {
      async message({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) {
        if (text !== 'now') return
        ctx.typing()
        ctx.typing()
        seen.push(wordsOf(await ctx.history()), wordsOf(await ctx.history({ limit: 2 })))
        seen.push(wordsOf(await ctx.history({ before: 3 })), await ctx.participants())
        await ctx.reply('done')
      },
    }
    await world.host([world.worker('Agent', agent)])
    const channelId = await world.channel(['Agent'])
    for (const text of ['a', 'b', 'c', 'now']) await world.say(channelId, text)
    await world.until(() => world.typing.length === 2)
    expect(seen).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['a', 'b'],
      [
        { id: 'alice', isAgent: false },
        { id: 'Agent', isAgent: true },
      ],
    ])
    expect(world.typing.map(({ entityId, isTyping }) => [entityId, isTyping])).toEqual([
      ['Agent', true],
      ['Agent', false],
    ])
  })

  it('are told of joins in their channels, and of no others', async () => {
    await using world = new AgentWorld(kind)
    const welcome = {
      async join({ entityId }: { entityId: string }, _env: unknown, ctx: MessageContext) {
        await ctx.reply(`welcome ${entityId}`)
      },
    }
    const runtime = await world.host([world.worker('Greeter', welcome)])
    const mine = await world.channel(['Greeter'])
    const other = await world.channel([])
    for (const channelId of [other, mine]) {
      const serverId = 'server'
      const names = { channelId, roomId: channelId, serverId, worldId: serverId }
      runtime.join({ entityId: 'bob', ...names, metadata: {}, source: 'socketio' })
    }
    await world.until(async () => (await world.messages(mine)).length === 1)
    const [message] = await world.messages(mine)
    expect(message?.body).toMatchObject({ text: 'welcome bob', hops: 1 })
    expect(await world.messages(other)).toEqual([])
  })
})
