import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { newId } from '../../src/util/new-id.ts'
import { AgentWorld } from './support/agent-world.ts'

type Handler = (message: WorkerMessage, env: unknown, ctx: MessageContext) => void | Promise<void>

const AGAIN = 'worker failed: message is handed out again'
const ASIDE = 'worker failed: message set aside'

/** Lets what was caused by the clock happen, as far as the first line that says so. */
async function pass(world: AgentWorld, ms: number, line: { msg: string; count: number }) {
  await vi.advanceTimersByTimeAsync(ms)
  await world.until(() => world.saying(line.msg).length === line.count)
}

describe.each(['memory', 'sqlite'] as const)('agents that fail, on a %s log', (kind) => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are called again after one second and five, then the message is set aside and the channel goes on', async () => {
    await using world = new AgentWorld(kind)
    const called: string[] = []
    const message: Handler = async ({ text }, _env, ctx) => {
      called.push(text)
      await ctx.reply(`first of ${text}`)
      if (text === 'bad') throw new Error('no')
    }
    await world.host([world.worker('Agent', { message })])
    const channelId = await world.channel(['Agent'])
    const other = await world.channel(['Agent'])
    const id = await world.say(channelId, 'bad')
    await world.say(channelId, 'good')
    await world.until(() => world.saying(AGAIN).length === 1)
    await world.say(other, 'meanwhile')
    await world.until(async () => (await world.texts(other, 'Agent')).length === 1)
    await vi.advanceTimersByTimeAsync(999)
    expect(called).toEqual(['bad', 'meanwhile'])
    await pass(world, 1, { msg: AGAIN, count: 2 })
    await pass(world, 5_000, { msg: ASIDE, count: 1 })
    await world.until(async () => (await world.texts(channelId, 'Agent')).length === 2)
    // Three runs said it, and the log has it once.
    expect(called).toEqual(['bad', 'meanwhile', 'bad', 'bad', 'good'])
    expect(await world.texts(channelId, 'Agent')).toEqual(['first of bad', 'first of good'])
    await vi.advanceTimersByTimeAsync(250)
    await world.until(async () => (await world.failures('Agent')).length === 1)
    expect(await world.failures('Agent')).toMatchObject([
      { messageId: id, channelId, attempts: 3, reason: 'Error: no', isRetrying: false },
    ])
    expect(world.saying(ASIDE)).toMatchObject([{ agentName: 'Agent', messageId: id, attempt: 3 }])
  })

  it('may throw anything: each is a failure that can be read', async () => {
    await using world = new AgentWorld(kind)
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('from the trap')
        },
        getPrototypeOf: () => {
          throw new Error('from the trap')
        },
      },
    )
    const things: readonly unknown[] = ['words', undefined, { code: 7 }, hostile]
    const message: Handler = ({ text }) => {
      throw things[Number(text)]
    }
    await world.host([world.worker('Agent', { message })], { limits: { retryDelaysMs: [] } })
    const channelId = await world.channel(['Agent'])
    for (const index of things.keys()) await world.say(channelId, String(index))
    await world.until(() => world.saying(ASIDE).length === things.length)
    await vi.advanceTimersByTimeAsync(250)
    await world.until(async () => (await world.failures('Agent')).length === things.length)
    expect((await world.failures('Agent')).map(({ reason }) => reason).toReversed()).toEqual([
      "threw 'words' instead of an Error",
      'threw undefined instead of an Error',
      'threw { code: 7 } instead of an Error',
      'threw something that cannot be read',
    ])
  })

  it('are stopped when a run takes too long, left behind when they go on, and can say nothing more', async () => {
    await using world = new AgentWorld(kind)
    const contexts: MessageContext[] = []
    const aborted: boolean[] = []
    const message: Handler = async ({ text }, _env, ctx) => {
      if (text !== 'stuck') {
        await ctx.reply(`did ${text}`)
        return
      }
      contexts.push(ctx)
      ctx.signal.addEventListener('abort', () => aborted.push(true))
      world.notice()
      await new Promise(() => undefined)
    }
    await world.host([world.worker('Agent', { message })])
    const channelId = await world.channel(['Agent'])
    await world.say(channelId, 'stuck')
    await world.say(channelId, 'next')
    for (const [index, waitMs] of [1_000, 5_000, 0].entries()) {
      await world.until(() => contexts.length === index + 1)
      await vi.advanceTimersByTimeAsync(299_999)
      expect(aborted.length).toBe(index)
      await vi.advanceTimersByTimeAsync(1)
      expect(aborted.length).toBe(index + 1)
      await pass(world, 2_000, { msg: index < 2 ? AGAIN : ASIDE, count: index < 2 ? index + 1 : 1 })
      await vi.advanceTimersByTimeAsync(waitMs)
    }
    await world.until(async () => (await world.texts(channelId, 'Agent')).length === 1)
    for (const ctx of contexts) {
      await expect(ctx.reply('late')).rejects.toThrow(
        'reply: this work is over: it was told to stop',
      )
      expect(() => ctx.typing()).toThrow('typing: this work is over')
      expect(() => ctx.waitUntil(Promise.resolve())).toThrow('this work is over')
    }
    expect(await world.texts(channelId, 'Agent')).toEqual(['did next'])
    await vi.advanceTimersByTimeAsync(250)
    await world.until(async () => (await world.failures('Agent')).length === 1)
    expect(await world.failures('Agent')).toMatchObject([
      { attempts: 3, reason: 'it took longer than 300000 ms and did not stop' },
    ])
  })

  it('are called again for a failure that is retried, which goes when that succeeds and stays when not', async () => {
    await using world = new AgentWorld(kind)
    let isBroken = true
    const called: string[] = []
    const message: Handler = async ({ text }, _env, ctx) => {
      called.push(text)
      await ctx.reply('step one')
      if (isBroken) throw new Error('broken')
      await ctx.reply('step two')
    }
    await world.host([world.worker('Agent', { message })], { limits: { retryDelaysMs: [] } })
    const channelId = await world.channel(['Agent'])
    const ids = [await world.say(channelId, 'a'), await world.say(channelId, 'b')]
    await world.until(() => world.saying(ASIDE).length === 2)
    await vi.advanceTimersByTimeAsync(250)
    await world.until(async () => (await world.failures('Agent')).length === 2)
    const retry = (messageId: string | undefined) =>
      world.log.append({
        type: 'retry-failure',
        id: newId(),
        agentId: 'Agent',
        messageId: messageId ?? '',
      })
    await retry(ids[0])
    await pass(world, 1_000, { msg: ASIDE, count: 3 })
    await vi.advanceTimersByTimeAsync(250)
    await world.until(async () =>
      (await world.failures('Agent')).every(({ isRetrying }) => !isRetrying),
    )
    expect((await world.failures('Agent')).length).toBe(2)
    isBroken = false
    for (const id of ids) await retry(id)
    const isThrough = async () => (await world.failures('Agent')).length === 0
    for (let round = 0; round < 10 && !(await isThrough()); round += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await world.until(isThrough)
    expect(called).toEqual(['a', 'b', 'a', 'a', 'b'])
    expect(await world.texts(channelId, 'Agent')).toEqual([
      'step one',
      'step one',
      'step two',
      'step two',
    ])
  })

  it('have their cursor moved once in 250 ms, however much they do', async () => {
    await using world = new AgentWorld(kind)
    let count = 0
    const message: Handler = () => {
      count += 1
      world.notice()
    }
    const life = world.life()
    const append = vi.fn(life.log.append.bind(life.log))
    const log = new Proxy(life.log, {
      get: (target, name) => (name === 'append' ? append : Reflect.get(target, name, target)),
    })
    const settles = () => append.mock.calls.filter(([{ type }]) => type === 'settle')
    await world.host([world.worker('Agent', { message })], { log })
    const channelId = await world.channel(['Agent'])
    for (let said = 1; said <= 40; said += 1) {
      await world.say(channelId, 'x')
      await world.until(() => count === said)
      await vi.advanceTimersByTimeAsync(6)
    }
    expect(settles()).toEqual([])
    // Not stored: the writer is away. It is tried again a second later.
    append.mockRejectedValueOnce(new Error('away'))
    await pass(world, 250, { msg: "the agent's cursor was not stored", count: 1 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(settles().length).toBe(2)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(settles().length).toBe(2)
    expect(await world.isSettled('Agent')).toBe(true)
  })
})
