import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { said, setUp, shown, told } from './support/agent-streams.ts'
import type { Handler } from './support/agent-streams.ts'
import { AgentWorld } from './support/agent-world.ts'

describe.each(['memory', 'sqlite'] as const)(
  'agents whose channel is not theirs any more, on a %s log',
  (kind) => {
    it('are told to stop when they are taken out of it, and what they had written stands', async () => {
      await using world = new AgentWorld(kind)
      const message: Handler = async ({ text }, _env, ctx) => {
        await ctx.stream().write(`about ${text}`)
        world.notice()
        await told(ctx)
      }
      const { channelId } = await setUp(world, message)
      await world.say(channelId, 'this')
      await world.until(() => shown(world).size === 1)
      const out = {
        type: 'change-participants',
        id: newId(),
        channelId,
        add: [],
        remove: ['Agent'],
      } as const
      await world.log.append(out)
      await world.until(async () => (await world.messages(channelId)).length === 2)
      expect(await said(world, channelId)).toEqual(['about this (cancelled: no error)'])
    })

    it.each(['thinks', 'speaks'])(
      'are told to stop when it is deleted while one %s',
      async (what) => {
        await using world = new AgentWorld(kind)
        const begun = createDeferred<void>()
        const stopped = createDeferred<void>()
        const message: Handler = async (_message, _env, ctx) => {
          if (what === 'speaks') await ctx.stream().write('some')
          begun.resolve()
          await told(ctx)
          stopped.resolve()
        }
        const { channelId } = await setUp(world, message)
        await world.say(channelId, 'this')
        await begun.promise
        await world.log.append({ type: 'delete-channel', id: newId(), channelId })
        await stopped.promise
      },
    )
  },
)

it('a join that waits for its channel is told once, as it came last, however often it comes', async () => {
  await using world = new AgentWorld('memory')
  const joins: string[] = []
  const go = createDeferred<void>()
  const runtime = await world.host([
    world.worker('Agent', {
      async message(message: { text: string }) {
        joins.push(message.text)
        await go.promise
      },
      async join({ entityId, metadata }: { entityId: string; metadata: object }) {
        joins.push(`${entityId} ${JSON.stringify(metadata)}`)
        world.notice()
      },
    }),
  ])
  const channelId = await world.channel(['Agent'])
  await world.say(channelId, 'first')
  await world.until(() => joins.length === 1)
  const names = { channelId, roomId: channelId, serverId: 's', worldId: 's', source: 'socketio' }
  for (let count = 0; count < 2_000; count += 1)
    runtime.join({ ...names, entityId: 'eve', metadata: { count } })
  runtime.join({ ...names, entityId: 'bob', metadata: {} })
  go.resolve()
  await world.until(() => joins.length >= 3)
  expect(joins).toEqual(['first', 'eve {"count":1999}', 'bob {}'])
})
