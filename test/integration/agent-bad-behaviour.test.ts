import { expect, it } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { AgentWorld } from './support/agent-world.ts'
import { wordsOf } from './support/words-of.ts'

type Handler = (message: WorkerMessage, env: unknown, ctx: MessageContext) => unknown

/** An agent with this handler in a channel of its own. */
async function setUp(world: AgentWorld, message: Handler) {
  // What a handler returns is its own affair: this one may return anything.
  const module = { message: message as () => void }
  const runtime = await world.host([world.worker('Agent', module)], {
    limits: { retryDelaysMs: [1, 1], graceMs: 20 },
  })
  return { runtime, channelId: await world.channel(['Agent']) }
}

/** What any access to a hostile object does. */
function trap(): never {
  throw new Error('from the trap')
}

const ASIDE = 'worker failed: message set aside'

it('nonsense is refused in the hands of the handler, in words that name it, and it may go on', async () => {
  await using world = new AgentWorld('memory')
  const circle: { self?: unknown } = {}
  circle.self = circle
  const done = createDeferred<readonly string[]>()
  const elsewhere = await world.say(await world.channel([]), 'in another channel')
  const { channelId } = await setUp(world, async (_message, _env, context) => {
    const ctx = context as unknown as Record<string, (...given: unknown[]) => unknown>
    const words: string[] = []
    const acts: readonly (() => unknown)[] = [
      () => ctx.reply?.(42),
      () => ctx.reply?.(),
      () => ctx.reply?.(''),
      () => ctx.reply?.({ txt: 'typo' }),
      () => ctx.reply?.({ text: 1 }),
      () => ctx.reply?.({ text: 'x', actions: 'REPLY' }),
      () => ctx.reply?.({ text: 'x', metadata: circle }),
      () => ctx.reply?.({ text: 'x', attachments: [new Date()] }),
      () => ctx.reply?.({ text: 'x'.repeat(1_000_001) }),
      () => ctx.send?.('..', 'x'),
      () => ctx.send?.(newId(), 'x'),
      () => ctx.history?.({ limit: 0 }),
      () => ctx.history?.({ last: 5 }),
      () => ctx.typing?.('yes'),
      () => ctx.remove?.(),
      () => ctx.remove?.(newId()),
      () => ctx.remove?.(elsewhere),
      () => context.stream().write(7 as unknown as string),
      () => context.stream().end({}),
      () => context.stream().end({ txt: 'typo' } as never),
      () => context.stream().end({ attachments: ['x'.repeat(3_000_000)] }),
    ]
    for (const act of acts) words.push(await wordsOf(act))
    await context.reply('sane')
    done.resolve(words)
  })
  await world.say(channelId, 'x')
  expect(await done.promise).toEqual([
    'TypeError: reply: must be a text, or an object with a text',
    'TypeError: reply: must be a text, or an object with a text',
    'TypeError: reply: says nothing: there is no text and no attachment',
    'TypeError: reply: Unrecognized key: "txt"',
    'TypeError: reply: text: must be a string',
    'TypeError: reply: actions: must be a list of strings',
    'TypeError: reply: metadata: must be an object; must be plain JSON, nested at most 16 levels',
    'TypeError: reply: attachments: must be a list; must be plain JSON, nested at most 16 levels',
    'ChannelError: text: 1000001 bytes are too large, at most 1000000 are taken',
    expect.stringContaining('TypeError: send: channelId: must be 1–128 characters'),
    'ChannelError: Channel not found',
    'TypeError: history: limit: must be at least 1',
    'TypeError: history: Unrecognized key: "last"',
    'TypeError: typing: must be true or false',
    expect.stringContaining('TypeError: remove: messageId: must be 1–128 characters'),
    'ChannelError: Message not found',
    'ChannelError: Message not found',
    'TypeError: stream.write: must be a text',
    // Nothing was said, and that is no message.
    'nothing',
    'TypeError: stream.end: Unrecognized key: "txt"',
    expect.stringContaining('ChannelError: attachments: 3000004 bytes are too large'),
  ])
  expect(await world.texts(channelId, 'Agent')).toEqual(['sane'])
})

it('a private channel that the agent takes no part in is not there for it', async () => {
  await using world = new AgentWorld('memory')
  const secret = await world.channel([], { type: 'DM', people: ['alice', 'bob'] })
  const done = createDeferred<string>()
  const { channelId } = await setUp(world, async (_message, _env, ctx) => {
    done.resolve(await wordsOf(() => ctx.send(secret, 'psst')))
  })
  await world.say(channelId, 'x')
  expect(await done.promise).toBe('ChannelError: Channel not found')
  expect(await world.texts(secret)).toEqual([])
})

it('what a handler returns is ignored, and said once', async () => {
  await using world = new AgentWorld('memory')
  let count = 0
  const { channelId } = await setUp(world, () => {
    count += 1
    world.notice()
    return 'my answer'
  })
  for (let index = 0; index < 3; index += 1) await world.say(channelId, 'x')
  await world.until(() => count === 3)
  expect(world.saying('what a handler returns is ignored: use ctx.reply').length).toBe(1)
  expect(await world.texts(channelId, 'Agent')).toEqual([])
})

it('who kept its ctx can say nothing after the end; what was left to waitUntil can until it ends', async () => {
  await using world = new AgentWorld('memory')
  const kept: MessageContext[] = []
  const background = createDeferred<void>()
  const { channelId } = await setUp(world, (_message, _env, ctx) => {
    kept.push(ctx)
    const work = async (): Promise<void> => {
      await background.promise
      await ctx.reply('from behind')
    }
    if (kept.length === 2) ctx.waitUntil(work())
    world.notice()
  })
  await world.say(channelId, 'one')
  await world.say(channelId, 'two')
  await world.say(channelId, 'three')
  await world.until(() => kept.length === 3)
  await world.until(async () => (await wordsOf(() => kept[2]?.typing())) !== 'nothing')
  expect(await wordsOf(() => kept[0]?.reply('late'))).toBe(
    'Error: reply: this work is over: the handler has ended',
  )
  background.resolve()
  await world.until(async () => (await world.texts(channelId, 'Agent')).length === 1)
  await world.until(async () => (await wordsOf(() => kept[1]?.typing())) !== 'nothing')
})

it('work of waitUntil that rejects is logged, and the message is through', async () => {
  const unreadable = new Proxy({}, { get: trap, getPrototypeOf: trap })
  await using world = new AgentWorld('memory')
  let count = 0
  const { channelId, runtime } = await setUp(world, (_message, _env, ctx) => {
    count += 1
    ctx.waitUntil(Promise.reject(count === 1 ? new Error('behind') : unreadable))
  })
  await world.say(channelId, 'x')
  await world.say(channelId, 'y')
  await world.until(() => world.saying('work of waitUntil failed').length === 2)
  await runtime.drain(1_000)
  expect(count).toBe(2)
  expect(await world.failures('Agent')).toEqual([])
})

it('a reply that nobody waited for is waited for, and when it fails the run has failed', async () => {
  await using world = new AgentWorld('memory')
  let count = 0
  const { channelId } = await setUp(world, ({ text }, _env, ctx) => {
    count += 1
    void ctx.reply(text === 'bad' ? { text: 'x'.repeat(1_000_001) } : 'good')
  })
  await world.say(channelId, 'bad')
  await world.say(channelId, 'good')
  await world.until(async () => (await world.texts(channelId, 'Agent')).length === 1)
  expect(count).toBe(4)
  expect(world.saying(ASIDE)).toMatchObject([
    { reason: 'ChannelError: text: 1000001 bytes are too large, at most 1000000 are taken' },
  ])
})

it('a message that is erased, or whose channel is deleted, while its handler fails is through', async () => {
  await using world = new AgentWorld('memory')
  const seen: string[] = []
  const words: string[] = []
  const { channelId, runtime } = await setUp(world, async ({ id, text }, _env, ctx) => {
    seen.push(text)
    if (text === 'erase me') {
      await world.log.append({ type: 'delete', id: newId(), messageId: id })
      throw new Error('after that')
    }
    if (text === 'delete all') {
      await world.log.append({ type: 'delete-channel', id: newId(), channelId })
      words.push(await wordsOf(() => ctx.reply('into the void')), String(ctx.signal.aborted))
      throw new Error('after that')
    }
  })
  await world.say(channelId, 'erase me')
  await world.say(channelId, 'delete all')
  await world.say(channelId, 'behind it')
  await world.until(() => words.length > 0)
  expect(words).toEqual(['ChannelError: Channel not found', 'true'])
  const other = await world.channel(['Agent'])
  await world.say(other, 'goes on')
  await world.until(() => world.isSettled('Agent'))
  await runtime.drain(1_000)
  expect(seen).toEqual(['erase me', 'delete all', 'goes on'])
  expect(await world.failures('Agent')).toEqual([])
  // Nothing is left to be done again.
  const successor = await world.host([
    world.worker('Agent', { message: () => void seen.push('again') }),
  ])
  await successor.drain(1_000)
  expect(seen).toEqual(['erase me', 'delete all', 'goes on'])
})

it('what waits behind another is shown as it is when its turn comes', async () => {
  await using world = new AgentWorld('memory')
  const gate = createDeferred<void>()
  const seen: string[] = []
  const { channelId } = await setUp(world, async ({ text }) => {
    seen.push(text)
    world.notice()
    if (text === 'first') await gate.promise
  })
  await world.say(channelId, 'first')
  const edited = await world.say(channelId, 'typo')
  const erased = await world.say(channelId, 'rude')
  await world.say(channelId, 'last')
  await world.until(() => seen.length === 1)
  await world.log.append({
    type: 'edit',
    id: newId(),
    messageId: edited,
    changes: { text: 'fixed' },
  })
  await world.log.append({ type: 'delete', id: newId(), messageId: erased })
  gate.resolve()
  await world.until(() => seen.includes('last'))
  expect(seen).toEqual(['first', 'fixed', 'last'])
})
