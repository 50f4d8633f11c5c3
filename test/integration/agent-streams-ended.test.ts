import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import { said, saidSomething, setUp, shown, told } from './support/agent-streams.ts'
import type { Handler } from './support/agent-streams.ts'
import { AgentWorld } from './support/agent-world.ts'

const ASIDE = 'worker failed: message set aside'
const AGAIN = 'worker failed: message is handed out again'

describe.each(['memory', 'sqlite'] as const)(
  'streams of agents that are ended, on a %s log',
  (kind) => {
    it('are cancelled by a participant: what was written stands, the handler is told, and the message is through', async () => {
      await using world = new AgentWorld(kind)
      const reasons: unknown[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        const stream = ctx.stream()
        await stream.write(`about ${text}`)
        if (text === 'last') return
        world.notice()
        await told(ctx)
        reasons.push(ctx.signal.reason)
        await expect(stream.write('more')).rejects.toThrow('the stream was cancelled')
        // However it ends.
        if (text === 'throw') throw new Error('as told')
        if (text === 'ignore') await new Promise(() => undefined)
      }
      const { channelId } = await setUp(world, message)
      for (const [index, text] of ['throw', 'ignore', 'message'].entries()) {
        const id = await world.say(channelId, text)
        await world.until(() => shown(world).size === index + 1)
        const messageId = text === 'message' ? id : [...shown(world).keys()].at(-1)
        const cancel = { type: 'cancel-stream', id: newId(), channelId } as const
        await world.log.append({ ...cancel, messageId: messageId ?? '' })
      }
      await world.say(channelId, 'last')
      await saidSomething(world, channelId, 4)
      expect(await said(world, channelId)).toEqual([
        'about throw (cancelled: no error)',
        'about ignore (cancelled: no error)',
        'about message (cancelled: no error)',
        'about last',
      ])
      expect(reasons).toEqual(Array.from({ length: 3 }, () => new Error('it was cancelled')))
      await world.until(() => world.isSettled('Agent'))
      expect(world.saying(AGAIN)).toEqual([])
      expect(world.saying(ASIDE)).toEqual([])
    })

    it('are not even begun where somebody cancels an agent that thinks, or waits to be run again', async () => {
      await using world = new AgentWorld(kind)
      const seen: string[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        seen.push(text)
        world.notice()
        if (text === 'fails') throw new Error('again and again')
        if (text === 'thinks') await told(ctx)
        if (text === 'thinks') throw new Error('as told')
        await ctx.reply(text)
      }
      const { channelId } = await setUp(world, message, { retryDelaysMs: [600_000] })
      const cancel = async (messageId: string) => {
        await world.log.append({ type: 'cancel-stream', id: newId(), channelId, messageId })
      }
      const thinks = await world.say(channelId, 'thinks')
      await world.until(() => seen.length === 1)
      await cancel(thinks)
      const fails = await world.say(channelId, 'fails')
      await world.until(() => world.saying(AGAIN).length === 1)
      await cancel(fails)
      await world.say(channelId, 'last')
      await saidSomething(world, channelId)
      expect(seen).toEqual(['thinks', 'fails', 'last'])
      expect(await said(world, channelId)).toEqual(['last'])
      expect(world.saying(ASIDE)).toEqual([])
    })

    it('are interrupted when the process is told to stop, and not begun anew by the next one', async () => {
      await using world = new AgentWorld(kind)
      const seen: string[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        seen.push(text)
        const stream = ctx.stream()
        if (text === 'shows' || seen.length > 2) await stream.write(`about ${text}`)
        world.notice()
        if (seen.length <= 2) await new Promise(() => undefined)
      }
      const { channelId, runtime } = await setUp(world, message)
      const other = await world.channel(['Agent'])
      await world.say(channelId, 'shows')
      await world.say(other, 'thinks')
      await world.until(() => seen.length === 2 && shown(world).size === 1)
      await runtime.drain(1)
      expect(await said(world, channelId)).toEqual([
        'about shows (interrupted: the process that wrote it ended)',
      ])
      await world.host([world.worker('Agent', { message })])
      await saidSomething(world, other)
      expect(await said(world, other)).toEqual(['about thinks'])
      await world.until(() => world.isSettled('Agent'))
      expect(seen).toEqual(['shows', 'thinks', 'thinks'])
      expect(await said(world, channelId)).toHaveLength(1)
    })

    it('of a process that is killed are interrupted, and the message is through', async () => {
      await using world = new AgentWorld(kind)
      const seen: string[] = []
      const reasons: unknown[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        seen.push(text)
        const stream = ctx.stream()
        ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason))
        await stream.write('as far as this')
        world.notice()
        if (seen.length === 1) await new Promise(() => undefined)
        await stream.end()
        await ctx.reply('behind it')
      }
      const life = world.life()
      await world.host([world.worker('Agent', { message })], {
        log: life.log,
        limits: { graceMs: 20 },
      })
      const channelId = await world.channel(['Agent'])
      await world.say(channelId, 'x')
      await world.until(() => shown(world).size === 1)
      life.kill()
      await world.host([world.worker('Agent', { message })])
      await saidSomething(world, channelId)
      await world.until(() => world.isSettled('Agent'))
      await world.say(channelId, 'y')
      await saidSomething(world, channelId, 3)
      expect(await said(world, channelId)).toEqual([
        'as far as this (interrupted: the process that wrote it ended)',
        'as far as this',
        'behind it',
      ])
      expect(seen).toEqual(['x', 'x', 'y'])
      expect(reasons).toEqual([new Error('what it says ended before')])
      expect(world.saying(ASIDE)).toEqual([])
    })

    it('that failed are a failure, also where the process is killed before that is stored', async () => {
      await using world = new AgentWorld(kind)
      let runs = 0
      const message: Handler = async (_message, _env, ctx) => {
        runs += 1
        await ctx.stream().write('half')
        throw new Error('broken')
      }
      const life = world.life()
      const log = new Proxy(life.log, {
        get: (target, name) =>
          name === 'append'
            ? async (...[command]: Parameters<typeof target.append>) => {
                const outcome = await target.append(command)
                if (command.type === 'end-stream') life.kill()
                return command.type === 'end-stream' ? new Promise(() => undefined) : outcome
              }
            : Reflect.get(target, name, target),
      })
      await world.host([world.worker('Agent', { message })], { log, limits: { graceMs: 20 } })
      const channelId = await world.channel(['Agent'])
      await world.say(channelId, 'x')
      await saidSomething(world, channelId)
      await world.host([world.worker('Agent', { message })], { limits: { retryDelaysMs: [1, 1] } })
      await world.until(async () => (await world.failures('Agent')).length === 1)
      expect(await world.failures('Agent')).toMatchObject([
        { reason: 'it failed before, in the middle of what it said' },
      ])
      expect(runs).toBe(2)
      expect(await said(world, channelId)).toEqual(['half (failed: the agent failed)'])
    })
  },
)
