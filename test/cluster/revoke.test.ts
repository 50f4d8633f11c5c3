import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../compat/support/client.ts'
import { Clients } from '../compat/support/clients.ts'
import { startTokenServer } from '../compat/support/token-server.ts'
import type { TokenServer } from '../compat/support/token-server.ts'
import { channelPath } from './support/rest.ts'
import { range, removalSeen, settled, stayOf, talk } from './support/stays.ts'

const GATEWAYS = 3

interface Race {
  readonly round: number
  /** What the joins say beside the channel. */
  readonly more: object
}

const all = (clients: readonly Client[], act: (client: Client) => Promise<unknown>) =>
  Promise.all(clients.map(act))

describe('losing a channel', () => {
  let server: TokenServer
  beforeAll(async () => {
    server = await startTokenServer(GATEWAYS)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** A connection of somebody to each gateway. */
  async function everywhere(clients: Clients, sub: string): Promise<Client[]> {
    const found: Client[] = []
    while (found.length < GATEWAYS) {
      const isNew = (gateway: string): boolean => found.every((one) => one.gateway !== gateway)
      found.push(await clients.connectWhere(isNew, await server.as(sub)))
    }
    return found
  }

  const remove = (channelId: string, entityId: string, as = 'alice') =>
    server.done(`DELETE ${channelPath(channelId)}/participants/${entityId}`, { as })

  const add = (channelId: string, entityId: string) =>
    server.done(`POST ${channelPath(channelId)}/participants`, { as: 'alice', body: { entityId } })

  it('shows a removed participant everything before its removal and nothing after, on all gateways', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const witnesses = await everywhere(clients, 'alice')
    const polling = await clients.connect({ ...(await server.as('bob')), transports: ['polling'] })
    const bobs = [...(await everywhere(clients, 'bob')), polling]
    const [alice] = witnesses
    if (alice === undefined) throw new Error('alice is connected')
    await all([...witnesses, ...bobs], (client) => client.join(channelId))

    const talking = talk(alice, channelId)
    await all(bobs, (bob) => bob.sawMany('messageBroadcast', 50, { channelId }))
    await remove(channelId, 'bob')
    await all(bobs, (bob) => bob.saw('channel_left', { channelId }))
    await alice.sawMany('messageBroadcast', 200, { channelId })
    await talking.stop()
    await alice.request('typing_start', { channelId })
    await settled(channelId, alice, witnesses)
    await witnesses[1]?.saw('typing', { channelId, entityId: 'alice' })

    const removal = await removalSeen(alice, channelId, { who: 'bob' })
    for (const bob of bobs) {
      await bob.roundTrip()
      const { joinedAt, ...stay } = stayOf(bob, channelId)
      expect(stay).toEqual({ seqs: range(joinedAt + 1, removal - 1), endedBy: removal, after: [] })
      const typing = await bob.request('typing_start', { channelId })
      expect(typing).toMatchObject({ code: 'INVALID_PAYLOAD' })
      expect(await bob.join(channelId)).toMatchObject({ code: 'ACCESS_DENIED' })
      expect(await bob.send(channelId, 'still here?')).toMatchObject({ code: 'ACCESS_DENIED' })
    }
    await alice.saw('presence', { channelId, entityId: 'bob', isPresent: false })
  })

  it('answers every message that its sender had under way', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const [alice, bob] = await clients.pair(await server.as('alice'), await server.as('bob'))
    await alice.join(channelId)
    await bob.join(channelId)
    const talking = talk(bob, channelId)
    await alice.sawMany('messageBroadcast', 50, { channelId })
    await remove(channelId, 'bob')
    const removal = await removalSeen(alice, channelId, { who: 'bob' })
    await bob.saw('messageError', { code: 'ACCESS_DENIED' })
    const answers = await talking.stop()

    const stored = answers.flatMap(({ seq }) => (seq === undefined ? [] : [Number(seq)]))
    const refused = answers.filter(({ code }) => code === 'ACCESS_DENIED')
    expect(stored.toSorted((one, other) => one - other)).toEqual(range(1, removal - 1))
    expect(stored.length + refused.length).toBe(answers.length)
    const { seqs, after } = stayOf(bob, channelId)
    expect({ seqs, after }).toEqual({ seqs: range(1, removal - 1), after: [] })
  })

  /** Lets all of bob's connections join while he is removed; answers which of them were let in first. */
  async function race(bobs: readonly Client[], channelId: string, { round, more }: Race) {
    await add(channelId, 'bob')
    const [, ...answers] = await Promise.all([
      remove(channelId, 'bob'),
      ...bobs.map(async (bob, index) => {
        for (let late = 0; late < (round + index) % 4; late += 1) await bob.roundTrip()
        return bob.join(channelId, more)
      }),
    ])
    const codes = answers.map(({ code }) => code)
    expect(codes.every((code) => code === undefined || code === 'ACCESS_DENIED')).toBe(true)
    return bobs.filter((_, index) => codes[index] === undefined)
  }

  it('shows nothing after it to a join that races with it', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const [alice, ...others] = await everywhere(clients, 'alice')
    const bobs = await everywhere(clients, 'bob')
    if (alice === undefined) throw new Error('alice is connected')
    await remove(channelId, 'bob')
    const { epoch } = await alice.join(channelId)
    const talking = talk(alice, channelId)
    const rounds = range(0, 23)
    let letInCount = 0

    for (const round of rounds) {
      const mark = alice.received.length
      const from = Number(alice.all('messageBroadcast', { channelId }).at(-1)?.['seq'] ?? 0)
      const more = round % 3 === 0 ? {} : { since: { epoch, seq: Math.max(0, from - 300) } }
      // By turns the other gateways follow the channel already, or begin to with the join.
      if (round % 2 === 0) await all(others, (other) => other.join(channelId))
      const letIn = await race(bobs, channelId, { round, more })
      const removal = await removalSeen(alice, channelId, { who: 'bob', mark })
      await all(letIn, (bob) => {
        const hasEnded = (): boolean => stayOf(bob, channelId).endedBy !== undefined
        return bob.until(hasEnded, () => `the end of the stay of round ${round}`)
      })
      const since = { epoch, seq: removal }
      if (round % 2 === 1) await all(others, (other) => other.join(channelId, { since }))
      await settled(channelId, alice, [alice, ...others])

      for (const bob of letIn) {
        await bob.roundTrip()
        const { seqs, endedBy, after } = stayOf(bob, channelId)
        const late = seqs.filter((seq) => seq >= removal)
        expect({ endedBy, late, after }).toEqual({ endedBy: removal, late: [], after: [] })
      }
      letInCount += letIn.length
      await all(others, (other) => other.request('leave', { channelId }))
    }
    await talking.stop()
    // Both came about, or nothing was tried.
    expect(letInCount).toBeGreaterThan(0)
    expect(letInCount).toBeLessThan(rounds.length * GATEWAYS)
  })

  it('does not come back with the participant: the client joins again, and sees what it missed', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const [alice, bob] = await clients.pair(await server.as('alice'), await server.as('bob'))
    await alice.join(channelId)
    const { epoch } = await bob.join(channelId)
    await remove(channelId, 'bob')
    const { seq: removal } = await bob.saw('channel_left', { channelId, reason: 'removed' })
    await alice.send(channelId, 'while he was out')
    await add(channelId, 'bob')
    await settled(channelId, alice, [alice])
    await bob.roundTrip()
    expect(stayOf(bob, channelId)).toMatchObject({ seqs: [], endedBy: removal, after: [] })

    const since = { epoch, seq: Number(removal) }
    expect(await bob.join(channelId, { since })).toMatchObject({ recovered: true })
    await alice.send(channelId, 'and now again')
    await bob.saw('messageBroadcast', { channelId, text: 'while he was out' })
    await bob.saw('messageBroadcast', { channelId, text: 'and now again' })
  })

  it('comes with a channel that is made private, to those who take no part', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'], 'public')
    const [alice, carol] = await clients.pair(await server.as('alice'), await server.as('carol'))
    const bob = await clients.connect(await server.as('bob'))
    for (const client of [alice, bob, carol]) await client.join(channelId)
    await alice.send(channelId, 'for everybody')
    const body = { visibility: 'private', topic: 'a secret one' }
    await server.done(`PATCH ${channelPath(channelId)}`, { as: 'alice', body })
    await carol.saw('channel_left', { channelId })
    await settled(channelId, alice, [alice, bob])
    await carol.roundTrip()
    expect(stayOf(carol, channelId)).toEqual({ joinedAt: 0, seqs: [1], endedBy: 2, after: [] })
    expect(JSON.stringify(carol.received)).not.toContain('a secret one')
    expect(stayOf(bob, channelId)).toMatchObject({ seqs: [1, 3], endedBy: undefined })
    expect(await carol.join(channelId)).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  it('comes with the deletion, which is told first', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const [alice, bob] = await clients.pair(await server.as('alice'), await server.as('bob'))
    for (const client of [alice, bob]) await client.join(channelId)
    await alice.send(channelId, 'the only one')
    await server.done(`DELETE ${channelPath(channelId)}`, { as: 'alice' })
    for (const client of [alice, bob]) {
      await client.saw('channel_left', { channelId, reason: 'removed', seq: 2 })
      expect(client.names('messageBroadcast', 'channelDeleted', 'channel_left')).toEqual([
        'messageBroadcast',
        'channelDeleted',
        'channel_left',
      ])
      expect(await client.join(channelId)).toMatchObject({ code: 'ACCESS_DENIED' })
    }
    // Somebody makes a channel under that name again: those who were in the old one are not in it.
    await server.done('POST /api/messaging/channels', {
      body: {
        id: channelId,
        name: 'the next one',
        message_server_id: '00000000-0000-0000-0000-000000000000',
        participantCentralUserIds: ['carol'],
        visibility: 'private',
      },
    })
    const carol = await clients.connect(await server.as('carol'))
    await carol.join(channelId)
    await settled(channelId, carol, [carol])
    for (const client of [alice, bob]) {
      await client.roundTrip()
      expect(stayOf(client, channelId).after).toEqual([])
    }
  })

  it('does not happen to managers by token, nor to administrators', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'manager', 'root'], 'public')
    const channels = { [channelId]: ['admin'] }
    const alice = await clients.connect(await server.as('alice'))
    const manager = await clients.connect(await server.as('manager', { channels }))
    const root = await clients.connect(await server.as('root', { role: 'admin' }))
    for (const client of [alice, manager, root]) await client.join(channelId)
    await remove(channelId, 'manager')
    await remove(channelId, 'root')
    const body = { visibility: 'private' }
    await server.done(`PATCH ${channelPath(channelId)}`, { as: 'alice', body })
    await settled(channelId, alice, [alice, manager, root])
    expect(await manager.send(channelId, 'still managing')).toMatchObject({
      seq: expect.any(Number),
    })
  })

  it('comes also when the writer dies right behind the removal', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice', 'bob'])
    const witnesses = await everywhere(clients, 'alice')
    const bobs = await everywhere(clients, 'bob')
    const [alice] = witnesses
    const [writer] = await server.pids('writer')
    if (alice === undefined || writer === undefined) throw new Error('a writer is running')
    await all([...witnesses, ...bobs], (client) => client.join(channelId))
    const talking = talk(alice, channelId)
    await all(bobs, (bob) => bob.sawMany('messageBroadcast', 20, { channelId }))
    await remove(channelId, 'bob')
    process.kill(writer, 'SIGKILL')
    await all(bobs, (bob) => bob.saw('channel_left', { channelId }))
    await talking.stop()
    await settled(channelId, alice, witnesses)
    const removal = await removalSeen(alice, channelId, { who: 'bob' })
    for (const bob of bobs) {
      await bob.roundTrip()
      const { joinedAt, ...stay } = stayOf(bob, channelId)
      expect(stay).toEqual({ seqs: range(joinedAt + 1, removal - 1), endedBy: removal, after: [] })
    }
  })
})
