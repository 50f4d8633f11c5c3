import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { said, setUp, told } from './support/agent-streams.ts'
import type { Handler } from './support/agent-streams.ts'
import { AgentWorld } from './support/agent-world.ts'

/** Asks for the end of what agents do about a message; answers what they were at. */
async function cancel(world: AgentWorld, channelId: string, messageId: string) {
  const command = { type: 'cancel-stream', id: newId(), channelId, messageId } as const
  const { stream } = await world.log.append(command)
  return stream?.state
}

/** Messages that no agent will say more about, in that order. */
const completed = (world: AgentWorld): readonly (string | undefined)[] =>
  world.frames.flatMap((frame) => (frame.kind === 'complete' ? [frame.messageId] : []))

describe.each(['memory', 'sqlite'] as const)(
  'messages that are cancelled before an agent has come to them, on a %s log',
  (kind) => {
    it('are complete at once, while the agent is at an earlier one, and never handed out', async () => {
      await using world = new AgentWorld(kind)
      const gate = createDeferred<void>()
      const seen: string[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        seen.push(text)
        world.notice()
        if (text === 'first') await gate.promise
        await ctx.reply(text)
      }
      const { channelId } = await setUp(world, message)
      const first = await world.say(channelId, 'first')
      await world.until(() => seen.length === 1)
      // More than are held in memory, so that the last ones are read when their turn comes.
      const ids = []
      const texts = Array.from({ length: 1_200 }, (_, index) => `waits ${index}`)
      for (const text of texts) ids.push(await world.say(channelId, text))
      const [near = '', far = ''] = [ids[0], ids.at(-1)]
      for (const id of [near, far, far]) {
        expect(await cancel(world, channelId, id)).toBe('waiting')
      }
      await world.until(() => completed(world).includes(near))
      expect(completed(world)).toEqual([near])
      expect(await cancel(world, channelId, near)).toBe('complete')
      gate.resolve()
      await world.until(() => completed(world).length === ids.length + 1)
      expect(new Set(completed(world))).toEqual(new Set([first, ...ids]))
      expect(seen).toEqual(['first', ...texts.slice(1, -1)])
      await world.until(() => world.isSettled('Agent'))
      expect(await said(world, channelId)).toEqual(seen)
    })

    it('stay so when no process runs the agent, and when the one that was told is killed', async () => {
      await using world = new AgentWorld(kind)
      const seen: string[] = []
      const message: Handler = async ({ text }, _env, ctx) => {
        seen.push(text)
        world.notice()
        if (text === 'thinks') await told(ctx)
        await new Promise(() => undefined)
      }
      const limits = { graceMs: 20 }
      const life = world.life()
      await world.host([world.worker('Agent', { message })], { log: life.log, limits })
      const channelId = await world.channel(['Agent'])
      const thinks = await world.say(channelId, 'thinks')
      await world.until(() => seen.length === 1)
      life.kill()
      const later = await world.say(channelId, 'later')
      for (const id of [thinks, later]) await cancel(world, channelId, id)
      if (kind === 'sqlite') await world.reopen()
      await world.say(channelId, 'last')
      const answers: string[] = []
      const next: Handler = async ({ text }) => {
        answers.push(text)
        world.notice()
      }
      await world.host([world.worker('Agent', { message: next })])
      await world.until(() => answers.length > 0)
      await world.until(() => world.isSettled('Agent'))
      expect([seen, answers]).toEqual([['thinks'], ['last']])
    })
  },
)
