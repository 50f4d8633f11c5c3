import { describe, expect, it } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { AgentWorld } from './support/agent-world.ts'

const DRAIN_MS = 60_000

const echo = (prefix: string) => ({
  message: async ({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) => {
    await ctx.reply(`${prefix} ${text}`)
  },
})

describe('the agents of a process', () => {
  it('come and go while it runs, and who stays is not disturbed', async () => {
    await using world = new AgentWorld('memory')
    const [gate, begun] = [createDeferred<void>(), createDeferred<void>()]
    let runs = 0
    const stays = world.worker('stays', {
      message: async ({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) => {
        runs += 1
        if (text === 'hold') {
          begun.resolve()
          await gate.promise
        }
        await ctx.reply(`stays ${text}`)
      },
    })
    const [goes, comes] = [world.worker('goes', echo('goes')), world.worker('comes', echo('comes'))]
    const runtime = await world.host([stays, goes])
    const channelId = await world.channel(['stays'])
    const elsewhere = await world.channel(['goes', 'comes'])
    await world.say(channelId, 'hold')
    await begun.promise

    runtime.setWorkers([stays, comes], DRAIN_MS)
    await world.until(() => world.saying('inbox opened').length === 3)
    await world.say(elsewhere, 'who is there?')
    await world.until(async () => (await world.messages(elsewhere)).length > 1)
    gate.resolve()
    await world.until(() => world.isSettled('stays'))
    await world.until(() => world.isSettled('comes'))
    expect(await world.texts(channelId, 'stays')).toEqual(['stays hold'])
    expect(runs).toBe(1)
    const openings = world.saying('inbox opened').filter(({ agentName }) => agentName === 'stays')
    expect(openings).toHaveLength(1)
    expect(await world.texts(elsewhere)).toEqual(['who is there?', 'comes who is there?'])

    // Whoever comes again goes on from where it was.
    runtime.setWorkers([stays, comes, goes], DRAIN_MS)
    await world.until(async () => (await world.texts(elsewhere, 'goes')).length > 0)
    expect(await world.texts(elsewhere, 'goes')).toContain('goes who is there?')
  })

  it('finish what they have begun before another version of them begins', async () => {
    await using world = new AgentWorld('memory')
    const [gate, begun] = [createDeferred<void>(), createDeferred<void>()]
    const before = world.worker('bot', {
      message: async ({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) => {
        begun.resolve()
        await gate.promise
        await ctx.reply(`before ${text}`)
      },
    })
    const runtime = await world.host([before])
    const channelId = await world.channel(['bot'])
    await world.say(channelId, '1')
    await begun.promise
    runtime.setWorkers([world.worker('bot', echo('after'))], DRAIN_MS)
    await world.say(channelId, '2')
    await world.say(await world.channel(['bot']), 'elsewhere')
    gate.resolve()
    await world.until(async () => (await world.texts(channelId, 'bot')).length === 2)
    expect(await world.texts(channelId, 'bot')).toEqual(['before 1', 'after 2'])
  })

  it('count as run until all have ended, also who has nothing to do meanwhile', async () => {
    await using world = new AgentWorld('memory')
    const [gate, begun] = [createDeferred<void>(), createDeferred<void>()]
    const slow = {
      message: async () => {
        begun.resolve()
        await gate.promise
      },
    }
    const told: (readonly string[])[] = []
    const { log } = world.life()
    log.runAgents = (agentIds) => {
      told.push(agentIds)
    }
    const workers = [world.worker('slow', slow), world.worker('idle', echo('idle'))]
    const runtime = await world.host(workers, { log })
    await world.say(await world.channel(['slow']), 'x')
    await begun.promise
    expect(told).toEqual([['slow', 'idle']])
    const drained = runtime.drain(DRAIN_MS)
    await world.log.append({ type: 'open-inbox', id: newId(), agentId: 'another' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([['slow', 'idle']])
    gate.resolve()
    await drained
    expect(told).toEqual([['slow', 'idle'], []])
  })

  it('that change while a message waits to be tried again are not shown at it, where it is gone by then', async () => {
    await using world = new AgentWorld('memory')
    const attempted = createDeferred<void>()
    const fails = {
      message: () => {
        attempted.resolve()
        throw new Error('not now')
      },
    }
    const limits = { retryDelaysMs: [60_000] }
    const runtime = await world.host([world.worker('bot', fails)], { limits })
    const channelId = await world.channel(['bot'])
    const messageId = await world.say(channelId, 'x')
    await attempted.promise
    await world.until(() => world.saying('worker failed: message is handed out again').length > 0)
    await world.log.append({ type: 'delete', id: newId(), channelId, messageId })
    runtime.setWorkers([world.worker('bot', echo('after'))], DRAIN_MS)
    await world.until(() => world.saying('inbox opened').length === 2)
    const states = world.frames.map((frame) => (frame.kind === 'turn' ? frame.state : frame.kind))
    expect(states.filter((state) => state !== 'complete')).toEqual(['thinking', 'idle'])
  })

  it('are told to stop when their time to finish is up, and another process does it again', async () => {
    await using world = new AgentWorld('memory')
    const begun = createDeferred<void>()
    const worker = world.worker('bot', {
      message: async (_message: WorkerMessage, _env: unknown, ctx: MessageContext) => {
        begun.resolve()
        await new Promise((_resolve, reject) => {
          ctx.signal.addEventListener('abort', () => {
            reject(new Error('told to stop'))
          })
        })
      },
    })
    const runtime = await world.host([worker])
    const channelId = await world.channel(['bot'])
    await world.say(channelId, 'x')
    await begun.promise
    runtime.setWorkers([], 1)
    runtime.setWorkers([world.worker('bot', echo('again'))], DRAIN_MS)
    await world.until(async () => (await world.texts(channelId, 'bot')).length > 0)
    expect(await world.texts(channelId, 'bot')).toEqual(['again x'])
  })

  it('that were stopped in the log answer only what is said after their start', async () => {
    await using world = new AgentWorld('sqlite')
    const worker = world.worker('bot', echo('heard'))
    const runtime = await world.host([worker])
    const channelId = await world.channel(['bot'])
    await world.say(channelId, '1')
    await world.until(async () => (await world.texts(channelId, 'bot')).length === 1)
    await world.log.append({ type: 'stop-agent', id: newId(), agentId: 'bot' })
    runtime.setWorkers([], DRAIN_MS)
    await world.say(channelId, '2')
    await world.log.append({ type: 'start-agent', id: newId(), agentId: 'bot' })
    runtime.setWorkers([worker], DRAIN_MS)
    await world.say(channelId, '3')
    await world.until(async () => (await world.texts(channelId, 'bot')).length === 2)
    expect(await world.texts(channelId, 'bot')).toEqual(['heard 1', 'heard 3'])
  })
})
