import { expect, it, vi } from 'vitest'
import type { MessageContext } from '../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../src/agent/worker.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { AgentWorld } from './support/agent-world.ts'

const completed = (world: AgentWorld): readonly (string | undefined)[] =>
  world.frames.flatMap((frame) => (frame.kind === 'complete' ? [frame.messageId] : []))

it('a message that was set aside is complete, and not again when it is retried, also by another writer', async () => {
  await using world = new AgentWorld('sqlite')
  let isBroken = true
  const message = async ({ text }: WorkerMessage, _env: unknown, ctx: MessageContext) => {
    if (isBroken) throw new Error('broken')
    await ctx.reply(`did ${text}`)
  }
  const limits = { retryDelaysMs: [], settleIntervalMs: 1, pollIntervalMs: 10 }
  const before = await world.host([world.worker('Agent', { message })], { limits })
  const channelId = await world.channel(['Agent'])
  const messageId = await world.say(channelId, 'it')
  await world.until(() => completed(world).length > 0)
  await world.until(async () => (await world.failures('Agent')).length === 1)
  await before.drain(0)
  // So long ago that the next writer knows nothing of it.
  const elsewhere = await world.channel([])
  const { inboxPlaces } = ENGINE_LIMITS
  await Promise.all(Array.from({ length: inboxPlaces }, () => world.say(elsewhere, 'x')))
  await world.reopen()
  await world.log.follow(channelId)
  isBroken = false
  await world.host([world.worker('Agent', { message })], { limits })
  await world.log.append({ type: 'retry-failure', id: newId(), agentId: 'Agent', messageId })
  await world.until(async () => (await world.failures('Agent')).length === 0)
  expect(await world.texts(channelId, 'Agent')).toEqual(['did it'])
  const next = await world.say(channelId, 'behind it')
  await world.until(() => completed(world).includes(next))
  expect(completed(world)).toEqual([messageId, next])
})

it('an agent that handles no messages is not one that messages may wait for', async () => {
  await using world = new AgentWorld('memory')
  const { log } = world.life()
  const runAgents = vi.spyOn(log, 'runAgents')
  const listens = world.worker('Listens', { message: () => undefined })
  await world.host([listens, world.worker('Greets', { join: () => undefined })], { log })
  expect(runAgents.mock.lastCall).toEqual([['Listens']])
})

it('an agent that is to leave is at its message until that is through', async () => {
  await using world = new AgentWorld('memory')
  const held = createDeferred<void>()
  const message = async (_message: WorkerMessage, _env: unknown, ctx: MessageContext) => {
    await held.promise
    await ctx.reply('the last word')
  }
  const host = await world.host([world.worker('Agent', { message })])
  const channelId = await world.channel(['Agent'])
  await world.say(channelId, 'go on')
  const course = () => world.frames.map((one) => (one.kind === 'turn' ? one.state : one.kind))
  await world.until(() => course().length > 0)
  host.setWorkers([], 60_000)
  expect(course()).toEqual(['thinking'])
  held.resolve()
  await world.until(() => completed(world).length > 0)
  expect(course()).toEqual(['thinking', 'idle', 'complete'])
  expect(await world.texts(channelId, 'Agent')).toEqual(['the last word'])
})

it('what an agent was doing is over as its process has left it behind, without a word of it', async () => {
  await using world = new AgentWorld('memory')
  const forgotten = createDeferred<void>()
  const limits = { graceMs: 10 }
  const message = () => forgotten.promise
  const host = await world.host([world.worker('Agent', { message })], { limits })
  const channelId = await world.channel(['Agent'])
  const messageId = await world.say(channelId, 'for ever')
  const turns = () => world.frames.flatMap((frame) => (frame.kind === 'turn' ? [frame] : []))
  await world.until(() => turns().length > 0)
  await host.drain(0)
  expect(turns().map((turn) => [turn.messageId, turn.state])).toEqual([
    [messageId, 'thinking'],
    [messageId, 'idle'],
  ])
  // Another one is to deal with it.
  expect(completed(world)).toEqual([])
  forgotten.resolve()
})
