import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChannelLog } from '../../src/log/log.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel, post } from './engine-support.ts'
import type { LogFixture, OpenFixture } from './log.contract.ts'
import { Recorder, Watcher } from './support/recorder.ts'

const BOT = 'bot'

/** What agents have to deal with, across whatever stands between the caller and the store. */
export function describeLogInbox(openFixture: OpenFixture): void {
  describe('an agent', () => {
    let fixture: LogFixture
    let watcher: Watcher
    let log: ChannelLog
    const [withAgent, without] = [newId(), newId()]

    beforeEach(async () => {
      fixture = await openFixture({ maxPending: 1_000 })
      watcher = new Watcher()
      log = await fixture.open(watcher)
      const participants = [{ entityId: BOT, isAgent: true }]
      await log.append(createChannel({ id: withAgent, participants }))
      await log.append(createChannel({ id: without }))
    })
    afterEach(() => fixture.dispose())

    const settle = (upTo: number, parts: object = {}) =>
      log.append({ type: 'settle', id: newId(), agentId: BOT, upTo, ...parts })
    const cursor = async () =>
      (await log.append({ type: 'open-inbox', id: newId(), agentId: BOT })).place ?? -1

    it('finds what it has not dealt with, gives up, retries and is through with it', async () => {
      const after = await cursor()
      const sent = [post(withAgent, 'a'), post(without, 'unheard'), post(withAgent, 'b')]
      await Promise.all(sent.map((each) => log.append(each)))
      const query = { agentId: BOT, after, limit: 10 }
      const page = await log.inbox(query)
      expect(page.items.map(({ place, message }) => [place, message.body.text])).toEqual([
        [after + 1, 'a'],
        [after + 3, 'b'],
      ])
      expect([page.upTo, page.hasMore]).toEqual([after + 3, false])

      const [first] = page.items
      const messageId = first?.message.id ?? ''
      const failures = [{ messageId, place: after + 1, attempts: 3, reason: 'it threw' }]
      expect(await settle(page.upTo, { failures })).toEqual({ place: page.upTo })
      expect(await cursor()).toBe(page.upTo)
      expect(await log.failures(BOT, { limit: 5 })).toMatchObject([{ messageId, attempts: 3 }])
      expect((await log.retries(query)).items).toEqual([])
      const on = { id: newId(), agentId: BOT, messageId }
      await log.append({ type: 'retry-failure', ...on })
      expect((await log.retries(query)).items).toEqual([first])
      await settle(page.upTo, { resolved: [after + 1] })
      expect(await log.failures(BOT, { limit: 5 })).toEqual([])
      const refused = log.append({ type: 'discard-failure', ...on, id: newId() })
      await expect(refused).rejects.toMatchObject({ code: 'FAILURE_NOT_FOUND' })
    })

    it('reads what it may have been told of, at once', async () => {
      await cursor()
      const sender = await fixture.open(new Recorder())
      for (let count = 1; count <= 20; count += 1) {
        const sent = sender.append(post(withAgent, `${count}`))
        await watcher.until(() => (watcher.places.at(-1) ?? 0) >= count)
        const { items } = await log.inbox({ agentId: BOT, after: count - 1, limit: 10 })
        expect(items.map(({ message }) => message.body.text)).toEqual([`${count}`])
        await sent
      }
    })

    it('is told of messages where agents take part and of retries, once a batch, and of nothing else', async () => {
      const sender = await fixture.open(new Recorder())
      const said = post(withAgent, 'for the agent')
      await sender.append(post(without, 'for nobody'))
      await settle(1)
      await sender.append(said)
      await watcher.until(() => watcher.places.length > 0)
      expect(watcher.places).toEqual([2])

      const messageId = said.message.id
      const failures = [{ messageId, place: 2, attempts: 1, reason: '' }]
      await settle(2, { failures })
      await sender.append(post(without, 'for nobody'))
      await log.append({ type: 'delete', id: newId(), messageId: newId() }).catch(() => undefined)
      await log.append({ type: 'retry-failure', id: newId(), agentId: BOT, messageId })
      await watcher.until(() => watcher.places.length > 1)
      expect(watcher.places).toEqual([2, 3])

      const many = Array.from({ length: 50 }, () => sender.append(post(withAgent, 'x')))
      await Promise.all(many)
      await watcher.until(() => watcher.places.at(-1) === 53)
      expect(watcher.places.length).toBeLessThan(2 + 25)
      expect(watcher.places).toEqual([...new Set(watcher.places)].toSorted((a, b) => a - b))
    })

    it('is told who opened a channel, as those who follow it are not', async () => {
      const follower = new Recorder()
      const sender = await fixture.open(follower)
      await sender.follow(withAgent)
      const joined = { channelId: withAgent, entityId: 'u', metadata: { isDm: true } }
      sender.announce(joined)
      sender.announce({ ...joined, channelId: without })
      await watcher.until(() => watcher.joins.length === 2)
      expect(watcher.joins).toEqual([joined, { ...joined, channelId: without }])
      await sender.append(post(withAgent, 'behind it'))
      await follower.reached(withAgent, 1)
      expect(follower.sequence(withAgent)).toEqual([1])
    })

    it('is told that agents were added, stopped or removed, once a batch, and reads them then', async () => {
      const sender = await fixture.open(new Recorder())
      const definition = { name: 'Hook', url: 'https://a.example/', secret: 'whsec_x' }
      const agentId = newId()
      const serverAgent = {
        type: 'add-server-agent',
        serverId: DEFAULT_SERVER_ID,
        agentId,
      } as const
      await sender.append({ ...serverAgent, id: newId() })
      await sender.append(post(withAgent, 'no agent is changed by this'))
      expect(watcher.agentChanges).toBe(0)
      const changes = [
        { type: 'create-agent', definition },
        { type: 'stop-agent' },
        { type: 'delete-agent' },
      ] as const
      for (const [index, change] of changes.entries()) {
        await sender.append({ ...change, id: newId(), agentId })
        await watcher.until(() => watcher.agentChanges > index)
        const found = (await log.agents()).filter(({ id }) => id === agentId)
        expect(found.map(({ isStopped }) => isStopped)).toEqual([[false], [true], []][index])
      }
      expect(watcher.agentChanges).toBe(3)
    })

    it('keeps turns since a human to itself, with the message', async () => {
      const said = post(withAgent, '', { body: { text: 'x', source: 's', hops: 2 } })
      await log.append(said)
      const { items } = await log.inbox({ agentId: BOT, after: 0, limit: 1 })
      expect(items).toMatchObject([{ hops: 2, message: { id: said.message.id } }])
    })
  })
}
