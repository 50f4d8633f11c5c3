import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChannelLog, Command, FeedConsumer } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import { channelDraft, createChannel, post } from './engine-support.ts'
import { describeLogGuards } from './log-guards.ts'
import { describeLogInbox } from './log-inbox.ts'
import { describeAgentWork } from './log-work.ts'
import { describeFeedProperties } from './log-properties.ts'
import { range, Recorder } from './support/recorder.ts'

/** One store, with any number of logs on it that see each other's changes. */
export interface LogFixture {
  open(consumer: FeedConsumer): Promise<ChannelLog>
  dispose(): Promise<void>
}

export interface FixtureLimits {
  readonly maxPending: number
}

export type OpenFixture = (limits: FixtureLimits) => Promise<LogFixture>

/** Entries as they are read, between two numbers. */
function read(log: ChannelLog, channelId: string, [after, upTo]: readonly [number, number]) {
  return log.entries({ channelId, after, upTo, limit: 10_000 })
}

const command = <Fields extends object>(fields: Fields) => ({ id: newId(), ...fields })

/** What every `ChannelLog` promises, whatever stands between the caller and the store. */
export function describeLog(name: string, openFixture: OpenFixture): void {
  describe(`${name} as a ChannelLog`, () => {
    let fixture: LogFixture
    let feed: Recorder
    let log: ChannelLog
    let channelId: string

    beforeEach(async () => {
      fixture = await openFixture({ maxPending: 1_000 })
      feed = new Recorder()
      log = await fixture.open(feed)
      channelId = newId()
      await log.append(createChannel({ id: channelId }))
    })
    afterEach(() => fixture.dispose())

    const appendAll = (commands: readonly Command[]) =>
      Promise.all(commands.map((each) => log.append(each)))

    it('numbers the entries of a channel in the order of the calls, without holes', async () => {
      const outcomes = await appendAll(range(1, 300).map((text) => post(channelId, `${text}`)))

      expect(outcomes.map(({ seq }) => seq)).toEqual(range(1, 300))
      const entries = await read(log, channelId, [0, 300])
      expect(entries.map((entry) => 'message' in entry && entry.message?.body.text)).toEqual(
        range(1, 300).map(String),
      )
    })

    it('answers with the message exactly as it is stored', async () => {
      const plain = post(channelId, 'ä€😀')
      const rich = post(channelId, '', {
        clientMessageId: 'mine',
        body: { text: '', source: 'x', metadata: { deep: [1, { a: null }] }, attachments: ['a'] },
      })
      const creating = {
        ...post('made-by-send', 'first'),
        create: channelDraft({ id: 'made-by-send' }),
      }
      const known = { ...post(channelId, 'again'), create: channelDraft({ id: channelId }) }
      const outcomes = await appendAll([plain, rich, creating, known])

      for (const outcome of outcomes) {
        expect(outcome.message).toEqual(await log.message(outcome.message?.id ?? ''))
        expect(outcome.hasAgents).toBe(false)
      }
      expect(outcomes.map(({ isCreated }) => isCreated)).toEqual([
        undefined,
        undefined,
        true,
        undefined,
      ])
    })

    it('applies a repeated command once and answers alike', async () => {
      await log.follow(channelId)
      const once = post(channelId, 'once', { clientMessageId: 'c1' })
      const [first, second] = await appendAll([once, once])
      const third = await log.append({ ...post(channelId, 'other', { clientMessageId: 'c1' }) })

      expect(first?.isDuplicate).toBeUndefined()
      for (const repeated of [second, third]) {
        expect(repeated).toMatchObject({ seq: 1, isDuplicate: true, message: first?.message })
      }
      expect(await log.head(channelId)).toBe(1)
      expect(feed.seqs(channelId)).toEqual([1])
    })

    it('refuses a command without disturbing its neighbours', async () => {
      const results = await Promise.allSettled([
        log.append(post(channelId, 'a')),
        log.append({ type: 'edit', id: newId(), messageId: 'nowhere', changes: { text: 'x' } }),
        log.append(post('no-such-channel', 'x')),
        log.append(post(channelId, 'b')),
      ])

      expect(results).toMatchObject([
        { value: { seq: 1 } },
        { reason: { code: 'MESSAGE_NOT_FOUND' } },
        { reason: { code: 'CHANNEL_NOT_FOUND' } },
        { value: { seq: 2 } },
      ])
    })

    it('delivers an entry to its own followers before the append resolves', async () => {
      await log.follow(channelId)
      for (const seq of range(1, 20)) {
        await log.append(post(channelId, 'x'))
        expect(feed.seqs(channelId)).toEqual(range(1, seq))
      }
    })

    it('follows a channel that does not exist from 0, through its creation', async () => {
      const id = newId()
      expect(await log.follow(id)).toBe(0)
      await log.append({ ...post(id, 'first'), create: channelDraft({ id }) })
      expect(feed.seqs(id)).toEqual([1])
    })

    it('delivers to other logs of the same store what they follow, and nothing else', async () => {
      const otherFeed = new Recorder()
      const other = await fixture.open(otherFeed)
      const quietId = newId()
      await log.append(createChannel({ id: quietId }))
      await other.follow(channelId)
      await appendAll([post(quietId, 'unheard'), post(channelId, 'a'), post(channelId, 'b')])
      await otherFeed.reached(channelId, 2)

      expect(otherFeed.seqs(channelId)).toEqual([1, 2])
      expect(otherFeed.seqs(quietId)).toEqual([])
      expect(feed.seqs(channelId)).toEqual([])
    })

    it('joins what is read up to the position with what is delivered after it, at every moment', async () => {
      const other = await fixture.open(new Recorder())
      const total = 400
      const load = Promise.all(range(1, total).map(() => other.append(post(channelId, 'x'))))
      const followers = await Promise.all(
        range(1, 8).map(async () => {
          const followerFeed = new Recorder()
          const follower = await fixture.open(followerFeed)
          const position = await follower.follow(channelId)
          const past = await read(follower, channelId, [0, position])
          return { followerFeed, past: past.map(({ seq }) => seq) }
        }),
      )
      await load

      for (const { followerFeed, past } of followers) {
        await followerFeed.until(() => followerFeed.seqs(channelId).length + past.length >= total)
        expect([...past, ...followerFeed.seqs(channelId)]).toEqual(range(1, total))
      }
    })

    it('stops with unfollow, and continues from the new position with the next follow', async () => {
      await log.follow(channelId)
      await log.append(post(channelId, 'heard'))
      log.unfollow(channelId)
      await appendAll([post(channelId, 'missed'), post(channelId, 'missed')])
      expect(await log.follow(channelId)).toBe(3)
      await log.append(post(channelId, 'heard'))

      expect(feed.seqs(channelId)).toEqual([1, 4])
    })

    it('answers the last of several follows and unfollows in one turn', async () => {
      const first = log.follow(channelId).catch(() => undefined)
      log.unfollow(channelId)
      const second = log.follow(channelId)
      await log.append(post(channelId, 'x'))
      await first

      expect(await second).toBe(0)
      expect(feed.seqs(channelId)).toEqual([1])
    })

    it('keeps a published frame between the appends around it', async () => {
      await log.follow(channelId)
      const frame = (messageId: string) =>
        ({ kind: 'complete', channelId, serverId: 's', messageId }) as const
      log.publish(frame('before'))
      const a = log.append(post(channelId, 'a'))
      log.publish(frame('between'))
      const b = log.append(post(channelId, 'b'))
      log.publish(frame('after'))
      await Promise.all([a, b])
      await feed.until(() => feed.sequence(channelId).includes('after'))

      expect(feed.sequence(channelId)).toEqual(['before', 1, 'between', 2, 'after'])
    })

    it('delivers every kind of change, across deletion and creation anew, and reads them alike', async () => {
      await log.follow(channelId)
      const keep = post(channelId, 'keep')
      const gone = post(channelId, 'gone')
      const commands: readonly Command[] = [
        keep,
        gone,
        command({ type: 'edit', messageId: keep.message.id, changes: { text: 'kept' } } as const),
        command({ type: 'delete', messageId: gone.message.id } as const),
        command({ type: 'update-channel', channelId, name: 'New' } as const),
        command({
          type: 'change-participants',
          channelId,
          add: [{ entityId: 'e', isAgent: true }],
          remove: [],
        } as const),
        command({ type: 'clear', channelId } as const),
        command({ type: 'delete-channel', channelId } as const),
        createChannel({ id: channelId }),
        post(channelId, 'new life'),
      ]
      await appendAll(commands)

      const kinds = 'posted posted edited deleted updated participants cleared removed posted'
      expect(feed.entries(channelId).map(({ kind }) => kind)).toEqual(kinds.split(' '))
      expect(feed.seqs(channelId)).toEqual(range(1, 9))
      for (const after of range(0, 9)) {
        const entries = await read(log, channelId, [after, 9])
        expect(entries.map(({ seq }) => seq)).toEqual(range(after + 1, 9))
      }
      expect(JSON.stringify(await read(log, channelId, [0, 9]))).not.toMatch(/keep|kept|gone/)
    })

    it('rejects what is above the bound with OVERLOADED and stores nothing of it', async () => {
      const small = await openFixture({ maxPending: 5 })
      const smallLog = await small.open(new Recorder())
      await smallLog.append(createChannel({ id: 'c' }))
      const results = await Promise.allSettled(
        range(1, 20).map((text) => smallLog.append(post('c', `${text}`))),
      )
      const stored = await read(smallLog, 'c', [0, 100])
      await small.dispose()

      const fates = results.map((result) =>
        result.status === 'fulfilled' ? 'stored' : (result.reason as { code: string }).code,
      )
      expect(fates).toEqual([...Array(5).fill('stored'), ...Array(15).fill('OVERLOADED')])
      expect(stored.map(({ seq }) => seq)).toEqual(range(1, 5))
    })

    describeLogGuards(openFixture)
    describeLogInbox(openFixture)
    describeAgentWork(openFixture)
    describeFeedProperties(openFixture)
  })
}
