import { expect, it } from 'vitest'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { setUp } from './support/agent-streams.ts'
import type { Handler } from './support/agent-streams.ts'
import { AgentWorld } from './support/agent-world.ts'
import { wordsOf } from './support/words-of.ts'

const ASIDE = 'worker failed: message set aside'

it('a stream without end is bounded: by the size of a message where it is fast, by time where it is slow', async () => {
  await using world = new AgentWorld('memory')
  const piece = 'x'.repeat(99_999)
  const message: Handler = async ({ text }, _env, ctx) => {
    const stream = ctx.stream()
    for (;;) {
      await stream.write(text === 'fast' ? piece : 'x')
      if (text === 'slow') await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const { channelId } = await setUp(world, message, { handlerTimeoutMs: 1_000 })
  const channels = [channelId, await world.channel(['Agent'])] as const
  await world.say(channels[0], 'fast')
  await world.say(channels[1], 'slow')
  await world.until(() => world.saying(ASIDE).length === 2)
  expect(world.saying(ASIDE)).toMatchObject([
    {
      attempt: 1,
      reason: 'TypeError: stream: the text is too large: a message has at most 1000000 bytes',
    },
    { attempt: 1, reason: 'it took longer than 1000 ms' },
  ])
  const [fast, slow] = await Promise.all(channels.map((id) => world.messages(id)))
  expect(fast?.[1]?.body).toMatchObject({ stream: { state: 'failed', error: 'the agent failed' } })
  expect(fast?.[1]?.body.text.length).toBe(999_990)
  expect(slow?.[1]?.body).toMatchObject({
    stream: { state: 'failed', error: 'the agent took too long' },
  })
})

it('a stream into a channel that is deleted meanwhile goes with it, and the agent with its other channels on', async () => {
  await using world = new AgentWorld('memory')
  const words: string[] = []
  const { channelId } = await setUp(world, async ({ text }, _env, ctx) => {
    const stream = ctx.stream()
    await stream.write(text)
    if (text !== 'delete') return
    await world.log.append({ type: 'delete-channel', id: newId(), channelId })
    words.push(await wordsOf(() => stream.write('more')), await wordsOf(() => stream.end()))
    throw null
  })
  await world.say(channelId, 'delete')
  await world.until(() => words.length > 0)
  const other = await world.channel(['Agent'])
  await world.say(other, 'goes on')
  await world.until(async () => (await world.texts(other, 'Agent')).length === 1)
  await world.until(() => world.isSettled('Agent'))
  expect(words).toEqual([
    'Error: stream.write: the stream was cancelled',
    'Error: stream.end: the stream was cancelled',
  ])
  expect(await world.failures('Agent')).toEqual([])
})

it('what a leaked timer says after the end is refused, and so is what a stream gets that has ended', async () => {
  await using world = new AgentWorld('memory')
  const words = new Set<string>()
  const timers: NodeJS.Timeout[] = []
  let isOver = false
  const { channelId } = await setUp(world, async ({ text }, _env, ctx) => {
    const stream = ctx.stream()
    await stream.write(text)
    await stream.end()
    words.add(await wordsOf(() => stream.write('behind the end')))
    const note = async (act: () => unknown): Promise<void> => {
      words.add(await wordsOf(act))
      world.notice()
    }
    const late = [() => stream.write('late'), () => ctx.reply('late'), () => ctx.stream()]
    const speak = (): void => {
      if (isOver) for (const act of late) void note(act)
    }
    timers.push(setInterval(speak, 5))
  })
  await world.say(channelId, 'one')
  await world.say(channelId, 'two')
  await world.until(() => world.isSettled('Agent'))
  isOver = true
  await world.until(() => words.size === 4)
  for (const timer of timers) clearInterval(timer)
  expect(timers.length).toBe(2)
  expect(words).toEqual(
    new Set([
      'Error: stream.write: the stream ended',
      'Error: stream.write: this work is over: the handler has ended',
      'Error: reply: this work is over: the handler has ended',
      'Error: stream: this work is over: the handler has ended',
    ]),
  )
  expect(await world.texts(channelId, 'Agent')).toEqual(['one', 'two'])
})

it('a run has 64 streams at most', async () => {
  await using world = new AgentWorld('memory')
  const done = createDeferred<string>()
  const { channelId } = await setUp(world, async (_message, _env, ctx) => {
    for (let index = 0; index < 64; index += 1) ctx.stream()
    done.resolve(await wordsOf(() => ctx.stream()))
  })
  await world.say(channelId, 'x')
  expect(await done.promise).toBe('Error: stream: a run may have 64 streams')
})
