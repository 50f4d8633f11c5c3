import { describe, expect, it } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { AgentWorld } from './support/agent-world.ts'

type Handler = (message: WorkerMessage, env: unknown, ctx: MessageContext) => void | Promise<void>

describe.each(['memory', 'sqlite'] as const)('an agent whose process ends, on a %s log', (kind) => {
  it('is killed at any moment: no message is lost, and none is answered twice', async () => {
    await using world = new AgentWorld(kind)
    const channels = [await world.channel(['Agent']), await world.channel(['Agent'])]
    const runs = new Map<string, number>()
    let died = 0
    const repeated: boolean[] = []
    /** Dies when it has said one of two things, at every fifth message. */
    const agentIn =
      (kill: () => void): Handler =>
      async ({ text }, _env, ctx) => {
        const run = (runs.get(text) ?? 0) + 1
        runs.set(text, run)
        const isFatal = Number(text) % 5 === 0 && run === 1
        const { isDuplicate } = await ctx.reply(`${text}: one`)
        if (run > 1) repeated.push(isDuplicate)
        if (isFatal) {
          died += 1
          kill()
        }
        await ctx.reply(`${text}: two`)
        world.notice()
      }
    const isThrough = async () => {
      const texts = await Promise.all(channels.map((channelId) => world.texts(channelId, 'Agent')))
      return texts.flat().length === 40
    }
    for (let lives = 0; lives < 20 && !(await isThrough()); lives += 1) {
      const { log, ...life } = world.life()
      const before = died
      await world.host([world.worker('Agent', { message: agentIn(() => life.kill()) })], {
        log,
        limits: { graceMs: 20 },
      })
      if (lives === 0) {
        for (let index = 0; index < 20; index += 1) {
          await world.say(channels[index % 2] ?? '', String(index))
        }
      }
      await world.until(async () => died > before || (await isThrough()))
      life.kill()
      if (kind === 'sqlite') await world.reopen()
    }
    for (const [parity, channelId] of channels.entries()) {
      const expected = Array.from({ length: 10 }, (_, index) => String(index * 2 + parity))
      expect(await world.texts(channelId, 'Agent')).toEqual(
        expected.flatMap((text) => [`${text}: one`, `${text}: two`]),
      )
    }
    expect(died).toBeGreaterThan(0)
    expect(repeated).toContain(true)
  })

  it('ends in order: it takes no more, waits for what is in work, and another one goes on', async () => {
    await using world = new AgentWorld(kind)
    const gate = createDeferred<void>()
    const seen: string[] = []
    const message: Handler = async ({ text }, _env, ctx) => {
      seen.push(text)
      world.notice()
      if (text === 'slow') await gate.promise
      await ctx.reply(`did ${text}`)
    }
    const first = await world.host([world.worker('Agent', { message })])
    const channelId = await world.channel(['Agent'])
    await world.say(channelId, 'slow')
    await world.say(channelId, 'behind it')
    await world.until(() => seen.length === 1)
    const drained = first.drain(60_000)
    await world.say(channelId, 'later')
    gate.resolve()
    await drained
    expect(await world.texts(channelId, 'Agent')).toEqual(['did slow'])
    await world.host([world.worker('Agent', { message })])
    await world.until(async () => (await world.texts(channelId, 'Agent')).length === 3)
    expect(seen).toEqual(['slow', 'behind it', 'later'])
  })

  it('ends although a handler does not: that is told to stop, left behind, and its message done again', async () => {
    await using world = new AgentWorld(kind)
    const runs: MessageContext[] = []
    const message: Handler = async ({ text }, _env, ctx) => {
      runs.push(ctx)
      world.notice()
      if (text === 'throws' && runs.length < 3) {
        await new Promise((_resolve, reject) => {
          ctx.signal.addEventListener('abort', () => {
            reject(new Error('as told'))
          })
        })
      }
      if (text === 'ignores' && runs.length < 3) await new Promise(() => undefined)
      await ctx.reply(`did ${text}`)
    }
    const first = await world.host([world.worker('Agent', { message })], {
      limits: { graceMs: 20 },
    })
    const channels = [await world.channel(['Agent']), await world.channel(['Agent'])] as const
    await world.say(channels[0], 'throws')
    await world.say(channels[1], 'ignores')
    await world.until(() => runs.length === 2)
    await first.drain(1)
    for (const ctx of runs) {
      expect(ctx.signal.aborted).toBe(true)
      await expect(ctx.reply('late')).rejects.toThrow('this work is over')
    }
    expect(await world.failures('Agent')).toEqual([])
    await world.host([world.worker('Agent', { message })])
    await world.until(async () => (await world.texts(channels[1], 'Agent')).length === 1)
    await world.until(async () => (await world.texts(channels[0], 'Agent')).length === 1)
    expect(runs.length).toBe(4)
  })

  it('is ended once: what was in work goes on side by side, and holds nothing else up', async () => {
    await using world = new AgentWorld(kind)
    const channels = await Promise.all([1, 2, 3].map(() => world.channel(['Agent'])))
    const running = new Set<string>()
    const lives = [createDeferred<void>(), createDeferred<void>()]
    const agentIn =
      (life: number): Handler =>
      async ({ channelId }, _env, ctx) => {
        running.add(channelId)
        world.notice()
        await lives[life]?.promise
        await ctx.reply('done')
      }
    const { log, ...life } = world.life()
    await world.host([world.worker('Agent', { message: agentIn(0) })], {
      log,
      limits: { graceMs: 20 },
    })
    for (const channelId of channels) await world.say(channelId, 'x')
    await world.until(() => running.size === 3)
    life.kill()
    if (kind === 'sqlite') await world.reopen()
    running.clear()
    await world.host([world.worker('Agent', { message: agentIn(1) })])
    // None of them is through before the others have begun.
    await world.until(() => running.size === 3)
    lives[1]?.resolve()
    for (const channelId of channels) {
      await world.until(async () => (await world.texts(channelId, 'Agent')).length === 1)
    }
  })

  it('is ended by a message again and again: that is set aside, and others that were in work are not', async () => {
    await using world = new AgentWorld(kind)
    const runs: string[] = []
    const state = { kill: () => {} }
    let died = 0
    const message: Handler = async ({ text }, _env, ctx) => {
      runs.push(text)
      world.notice()
      if (text === 'fatal') {
        died += 1
        state.kill()
      }
      // Not done yet when the other one ends the process.
      await ctx.history()
      await ctx.reply(`did ${text}`)
    }
    const channels = await Promise.all([1, 2, 3].map(() => world.channel(['Agent'])))
    const [fatal = '', ...others] = channels
    const isThrough = async () => (await world.texts(fatal, 'Agent')).length === 1
    for (let lives = 0; lives < 10 && !(await isThrough()); lives += 1) {
      const { log, ...life } = world.life()
      state.kill = () => life.kill()
      const before = died
      await world.host([world.worker('Agent', { message })], { log, limits: { graceMs: 20 } })
      if (lives === 0) {
        const texts = [...others, fatal].map((id) => [id, id === fatal ? 'fatal' : 'innocent'])
        await Promise.all(texts.map(([id = '', text = '']) => world.say(id, text)))
        await world.say(fatal, 'behind it')
      }
      await world.until(async () => died > before || (await isThrough()))
      if (died > before && kind === 'sqlite') await world.reopen()
    }
    expect(died).toBe(3)
    expect(await world.texts(fatal, 'Agent')).toEqual(['did behind it'])
    for (const channelId of others) {
      expect(await world.texts(channelId, 'Agent')).toEqual(['did innocent'])
    }
    const told = world.saying('the process ended while the handler was at this message')
    expect(told.filter(({ channelId }) => channelId === fatal)).toMatchObject([
      { agentName: 'Agent', times: 1 },
      { agentName: 'Agent', times: 2 },
      { agentName: 'Agent', times: 3 },
    ])
    await world.until(async () => (await world.failures('Agent')).length > 0)
    expect(await world.failures('Agent')).toMatchObject([
      {
        attempts: 3,
        reason: expect.stringContaining('the process ended each time that the handler ran'),
      },
    ])
  })

  it('is ended by one message and then by another: both are set aside, and one that was beside them is not', async () => {
    await using world = new AgentWorld(kind)
    const state = { kill: () => {} }
    let died = 0
    const message: Handler = async ({ text }, _env, ctx) => {
      if (text !== 'innocent') {
        died += 1
        world.notice()
        // What it was worked at beside is in work by then, wherever that is permitted.
        for (let turns = 0; turns < 5; turns += 1) await ctx.history()
        state.kill()
      }
      for (let turns = 0; turns < 20; turns += 1) await ctx.history()
      await ctx.reply(`did ${text}`)
    }
    const channels = await Promise.all([1, 2, 3].map(() => world.channel(['Agent'])))
    const [innocent = '', first = '', second = ''] = channels
    const isThrough = async () => (await world.failures('Agent')).length === 2
    for (let lives = 0; lives < 12 && !(await isThrough()); lives += 1) {
      const { log, ...life } = world.life()
      let isAlive = true
      state.kill = () => {
        isAlive = false
        life.kill()
        world.notice()
      }
      await world.host([world.worker('Agent', { message })], { log, limits: { graceMs: 20 } })
      if (lives === 0) {
        await world.say(innocent, 'innocent')
        await world.say(first, 'fatal')
      }
      // The second comes when the first has ended one process already.
      if (lives === 1) await world.say(second, 'fatal, too')
      await world.until(async () => !isAlive || (await isThrough()))
      life.kill()
      if (kind === 'sqlite') await world.reopen()
    }
    await world.host([world.worker('Agent', { message })])
    await world.until(async () => (await world.texts(innocent, 'Agent')).length === 1)
    expect(await world.failures('Agent')).toMatchObject([{ attempts: 3 }, { attempts: 3 }])
  })
})
