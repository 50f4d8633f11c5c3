import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { PATIENTLY } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { rest } from './support/rest.ts'
import { ONE, TWO } from './support/words.ts'

describe('presence and typing', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** In order of arrival; gateways tell of arrivals on their own, so two of them may swap places. */
  const present = async (channelId: string): Promise<unknown[]> => {
    const { status, data } = await rest(
      server.url,
      `GET /api/messaging/channels/${channelId}/presence`,
    )
    expect(status).toBe(200)
    return Array.isArray(data.entities) ? data.entities : []
  }

  it('joining and leaving are told to those who are there, whichever gateway they are on', async () => {
    await using clients = new Clients(server.url)
    const [far, comer] = await clients.pair({ entityId: 'far' }, { entityId: 'comer' })
    const near = await clients.connectWhere((gateway) => gateway === comer.gateway, {
      entityId: 'near',
    })
    await far.join('lobby')
    await near.join('lobby')
    await far.saw('presence', { entityId: 'near', isPresent: true })
    await comer.join('lobby')
    for (const client of [far, near]) {
      expect(await client.saw('presence', { entityId: 'comer', isPresent: true })).toMatchObject({
        channelId: 'lobby',
        count: 3,
      })
    }
    await comer.request('leave', { channelId: 'lobby' })
    for (const client of [far, near]) {
      expect(await client.saw('presence', { entityId: 'comer', isPresent: false })).toMatchObject({
        channelId: 'lobby',
        count: 2,
      })
    }
  })

  it('GET presence lists each connected entity once, in order of arrival', async () => {
    await using clients = new Clients(server.url)
    expect(await present('counted')).toEqual([])
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await one.join('counted')
    await expect.poll(() => present('counted'), PATIENTLY).toEqual([ONE])
    await two.join('counted')
    await expect.poll(() => present('counted'), PATIENTLY).toEqual([ONE, TWO])
    one.socket.disconnect()
    await expect.poll(() => present('counted'), PATIENTLY).toEqual([TWO])
  })

  it('an entity is present until its last connection is gone', async () => {
    await using clients = new Clients(server.url)
    const [tab, otherTab] = await clients.pair({ entityId: ONE }, { entityId: ONE })
    const watcher = await clients.connect({ entityId: 'watcher' })
    await watcher.join('tabbed')
    await tab.join('tabbed')
    await watcher.saw('presence', { entityId: ONE, isPresent: true })
    await otherTab.join('tabbed')
    tab.socket.disconnect()
    // Another's coming and going is told in order: had ONE's leaving been told, it came before.
    const third = await clients.connect({ entityId: 'third' })
    await third.join('tabbed')
    await watcher.saw('presence', { entityId: 'third', isPresent: true })
    expect(watcher.all('presence', { entityId: ONE })).toHaveLength(1)
    expect(new Set(await present('tabbed'))).toEqual(new Set(['watcher', ONE, 'third']))
    otherTab.socket.disconnect()
    await watcher.saw('presence', { entityId: ONE, isPresent: false })
  })

  it('joining again is not coming again', async () => {
    await using clients = new Clients(server.url)
    const [one, watcher] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await watcher.join('again')
    await one.join('again')
    await watcher.saw('presence', { entityId: ONE, isPresent: true })
    for (let index = 0; index < 5; index += 1) await one.join('again')
    await one.request('leave', { channelId: 'again' })
    await expect.poll(() => present('again'), PATIENTLY).toEqual([TWO])
  })

  it('counts who the join says it is, and nobody for a connection without an entity', async () => {
    await using clients = new Clients(server.url)
    const [nameless, named] = await clients.pair()
    await nameless.join('masked')
    await named.join('masked', { entityId: 'the-joined-one' })
    await nameless.saw('presence', { entityId: 'the-joined-one', isPresent: true })
    expect(await present('masked')).toEqual(['the-joined-one'])
  })

  it('a killed gateway takes its entities with it', async () => {
    await using clients = new Clients(server.url)
    const pair = await clients.pair(
      { entityId: ONE, reconnection: false },
      { entityId: TWO, reconnection: false },
    )
    for (const client of pair) await client.join('mortal')
    await expect.poll(() => present('mortal'), PATIENTLY).toHaveLength(2)
    const gone = await server.kill('gateway')
    await expect.poll(() => pair.filter(({ socket }) => socket.connected).length, PATIENTLY).toBe(1)
    const [survivor, dead] = pair[0].socket.connected ? [pair[0], TWO] : [pair[1], ONE]
    await survivor.saw('presence', { entityId: dead, isPresent: false })
    await server.healed([gone])
    await expect.poll(() => present('mortal'), PATIENTLY).toEqual([dead === ONE ? TWO : ONE])
  })

  it('typing needs the channel to be joined, and reaches only that channel', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await two.join('typing-a')
    await two.join('typing-b')
    const refused = await one.request('typing_start', { channelId: 'typing-a' })
    expect(refused).toMatchObject({ code: expect.any(String), retryable: false })
    await one.join('typing-b')
    await one.request('typing_start', { channelId: 'typing-b' })
    await two.saw('typing', { channelId: 'typing-b', entityId: ONE, isTyping: true })
    expect(two.all('typing', { channelId: 'typing-a' })).toEqual([])
  })

  it('typing says who it is: the join’s entity, without which it is refused', async () => {
    await using clients = new Clients(server.url)
    const [nameless, watcher] = await clients.pair()
    await watcher.join('who-types', { entityId: TWO })
    await nameless.join('who-types')
    const refused = await nameless.request('typing_start', { channelId: 'who-types' })
    expect(refused.error).toMatch(/entityId/)
    await nameless.join('who-types', { entityId: 'somebody' })
    await nameless.request('typing_start', { channelId: 'who-types' })
    await watcher.saw('typing', { entityId: 'somebody', isTyping: true })
  })

  it('typing and presence write nothing to the log', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await Promise.all([one.join('unwritten'), two.join('unwritten')])
    await one.request('typing_start', { channelId: 'unwritten' })
    await one.request('leave', { channelId: 'unwritten' })
    expect(await one.join('unwritten')).toMatchObject({ seq: 0 })
  })
})
