import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TurnRef } from '../../src/log/agent-work.ts'
import type { ChannelLog } from '../../src/log/log.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import { cancelStream, endStream, openStream } from './engine-stream-support.ts'
import { createChannel, post } from './engine-support.ts'
import type { LogFixture, OpenFixture } from './log.contract.ts'
import { Course } from './support/course.ts'

const AGENTS = ['ada', 'bob'] as const

/** What an agent may say of its work on a message. */
export interface Asked {
  readonly messageId: string
  readonly by: (agentId: string) => TurnRef
}

/** Says something, with this text, in a channel. */
export async function ask(log: ChannelLog, channelId: string, text: string): Promise<Asked> {
  const command = post(channelId, text)
  await log.append(command)
  const { id: messageId, authorId } = command.message
  const { items } = await log.inbox({ agentId: 'ear', after: 0, limit: 1_000 })
  const place = items.find(({ message }) => message.id === messageId)?.place ?? 0
  const where = { channelId, serverId: DEFAULT_SERVER_ID, messageId, authorId, place }
  return { messageId, by: (agentId) => ({ ...where, agentId }) }
}

/** A channel with agents that have inboxes; `ear` takes part in all as a person, and says where messages are. */
export async function channelWith(log: ChannelLog, agents: readonly string[]): Promise<string> {
  for (const agentId of agents) await log.append({ type: 'open-inbox', id: newId(), agentId })
  const participants = agents.map((entityId) => ({ entityId, isAgent: true }))
  const ear = { entityId: 'ear', isAgent: false }
  const command = createChannel({ participants: [...participants, ear] })
  await log.append(command)
  return command.channel.id
}

/** What agents do as everybody sees it, across whatever stands between them and the store. */
export function describeAgentWork(openFixture: OpenFixture): void {
  describe('the work of agents', () => {
    let fixture: LogFixture
    let course: Course
    let follower: ChannelLog
    let host: ChannelLog
    let told: Course
    let channelId: string

    beforeEach(async () => {
      fixture = await openFixture({ maxPending: 1_000 })
      course = new Course()
      told = new Course()
      follower = await fixture.open(course)
      host = await fixture.open(told)
      channelId = await channelWith(host, AGENTS)
      await follower.follow(channelId)
      host.runAgents(AGENTS)
    })
    afterEach(() => fixture.dispose())

    it('is seen in order: a turn, its stream and that it is over, then that the message is complete', async () => {
      const { messageId, by } = await ask(host, channelId, 'question')
      host.endTurn(by('bob'))
      host.beginTurn(by('ada'))
      const stream = openStream(channelId, `re:${messageId}:1`, { message: { authorId: 'ada' } })
      await host.append(stream)
      const chunk = { messageId: stream.message.id, index: 0, offset: 0, chunk: 'an ' }
      host.writeStream(chunk)
      host.writeStream({ ...chunk, index: 1, offset: 3, chunk: 'answer' })
      await host.append(endStream(stream, 'an answer'))
      host.endTurn(by('ada'))
      const seen = await course.upTo('complete question')
      // How many chunks there are is nobody's business, as long as they are all.
      const texts = seen.flatMap((one) => /^ada \d+\+(.*)/s.exec(one)?.[1] ?? [])
      expect(texts.join('')).toBe('an answer')
      expect(seen.filter((one) => !/^ada \d/.test(one))).toEqual([
        'said question',
        'ada thinking question',
        'ada streaming question',
        'said an answer',
        'ada idle question',
        'complete question',
      ])
      const chunkAt = seen.findIndex((one) => /^ada \d/.test(one))
      expect(chunkAt).toBeGreaterThan(seen.indexOf('ada streaming question'))
      expect(seen.indexOf('said an answer')).toBe(chunkAt + texts.length)
    })

    it('makes a message complete once, however often and in whatever order they say that they are through', async () => {
      const asked = []
      for (const text of ['one', 'two', 'three']) asked.push(await ask(host, channelId, text))
      for (const { by } of asked.toReversed()) host.endTurn(by('ada'))
      for (const { by } of asked)
        for (const agentId of [...AGENTS, ...AGENTS]) host.endTurn(by(agentId))
      await host.append({ type: 'settle', id: newId(), agentId: 'ada', upTo: 3 })
      for (const { by } of asked) host.endTurn({ ...by('bob'), isRetry: true })
      await ask(host, channelId, 'behind it')
      await course.upTo('said behind it')
      expect(course.seen.filter((one) => one.startsWith('complete'))).toEqual([
        'complete one',
        'complete two',
        'complete three',
      ])
    })

    it('is over for messages that cursors have passed and for agents that are stopped', async () => {
      await ask(host, channelId, 'passed')
      await host.append({ type: 'settle', id: newId(), agentId: 'ada', upTo: 1 })
      await ask(host, channelId, 'passed by one')
      await host.append({ type: 'stop-agent', id: newId(), agentId: 'bob' })
      await course.upTo('complete passed')
      await ask(host, channelId, 'for one')
      await host.append({ type: 'settle', id: newId(), agentId: 'ada', upTo: 3 })
      expect((await course.upTo('complete for one')).slice(-5)).toEqual([
        'said passed by one',
        'complete passed',
        'said for one',
        'complete passed by one',
        'complete for one',
      ])
    })

    it('is nothing of a message that waited for nobody', async () => {
      const external = await channelWith(host, [])
      const add = [{ entityId: 'external', isAgent: true }]
      const change = { type: 'change-participants', id: newId(), channelId: external } as const
      await host.append({ ...change, add, remove: [] })
      await follower.follow(external)
      const { messageId, by } = await ask(host, external, 'for others')
      for (const agentId of ['external', 'ada']) host.endTurn(by(agentId))
      await host.append({ type: 'settle', id: newId(), agentId: 'ada', upTo: 2 })
      await ask(host, external, 'behind it')
      await course.upTo('said behind it')
      expect(course.seen).toEqual(['said for others', 'said behind it'])
      const entries = course.entries(external)
      expect(entries).toMatchObject([{ hasAgents: false }, { hasAgents: false }])
      expect(await follower.isAwaited(messageId)).toBe(false)
    })

    it('is what a follower begins with, and nothing where nobody is at work', async () => {
      const { messageId, by } = await ask(host, channelId, 'question')
      host.beginTurn(by('ada'))
      host.beginTurn(by('bob'))
      const stream = openStream(channelId, 's', { message: { authorId: 'ada' } })
      await host.append(stream)
      host.writeStream({ messageId: stream.message.id, index: 0, offset: 0, chunk: 'so far' })
      await course.upTo('ada 0+so far')
      const late = new Course()
      const latecomer = await fixture.open(late)
      await latecomer.follow(channelId)
      expect(late.seen).toEqual(['activity, ada streaming, bob thinking, ada so far'])
      latecomer.unfollow(channelId)
      await host.append(endStream(stream, 'so far'))
      for (const agentId of AGENTS) host.endTurn(by(agentId))
      await course.upTo('complete question')
      await latecomer.follow(channelId)
      await host.append(post(channelId, 'behind it'))
      await late.upTo('said behind it')
      expect(late.seen.slice(1)).toEqual(['said behind it'])
      expect(await follower.isAwaited(messageId)).toBe(true)
    })

    it('can be stopped: whoever runs agents is told, also when it says again what it does', async () => {
      const { messageId, by } = await ask(host, channelId, 'question')
      told.call(messageId, 'question')
      host.beginTurn(by('ada'))
      await course.upTo('ada thinking question')
      const { stream } = await follower.append(cancelStream(channelId, messageId))
      expect(stream).toEqual({ messageId, state: 'thinking', isCancelled: true })
      await told.until(() => told.cancelled.length > 0)
      const before = told.cancelled.length
      host.beginTurn(by('ada'))
      await told.until(() => told.cancelled.length > before)
      expect(new Set(told.cancelled)).toEqual(new Set(['question']))
    })
  })
}
