import { symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenLinks } from '../../src/ipc/listen.ts'
import type { LinkServer } from '../../src/ipc/listen.ts'
import { ReconnectingLink } from '../../src/ipc/reconnecting-link.ts'
import { PresenceHub } from '../../src/signals/presence-hub.ts'
import { RemotePresence } from '../../src/signals/remote-presence.ts'
import type { RemotePresenceOptions } from '../../src/signals/remote-presence.ts'
import type { PresenceChange } from '../../src/signals/signals.ts'
import { newId } from '../../src/util/new-id.ts'
import { socketIn, temporaryDirectory } from '../contract/support/remote.ts'

const GRACE_MS = 150

describe('presence over links', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let stopHub: () => Promise<void>
  let links: LinkServer
  let closing: (() => Promise<void>)[]

  beforeEach(async () => {
    directory = temporaryDirectory()
    closing = []
    await startHub()
  })
  afterEach(async () => {
    await Promise.all(closing.map((close) => close()))
    await stopHub()
    directory.remove()
  })

  async function startHub(maxAnnounced = 10_000): Promise<void> {
    const hub = new PresenceHub({ graceMs: GRACE_MS, maxAnnounced })
    links = await listenLinks({
      path: socketIn(directory.path),
      self: { role: 'writer', id: newId() },
      onLink: (link) => hub.serve(link),
    })
    const server = links
    stopHub = async () => {
      await server.close()
      hub.close()
    }
  }

  function gateway(
    options: Partial<RemotePresenceOptions> = {},
    path: string = socketIn(directory.path),
  ) {
    const changes: PresenceChange[] = []
    const link = new ReconnectingLink({
      path,
      self: { role: 'gateway', id: newId() },
    })
    const presence = new RemotePresence({
      link,
      onChange: (change) => changes.push(change),
      ...options,
    })
    let openings = 0
    link.onOpen(() => {
      openings += 1
    })
    link.start()
    /** What was told, as short words: `+e1` joined, `-e1` left. */
    const told = () => changes.map((change) => `${change.isPresent ? '+' : '-'}${change.entityId}`)
    const die = (): Promise<void> => link.close()
    closing.push(die)
    return { presence, changes, told, link, die, openings: () => openings }
  }

  it('tells watchers of the first and the last connection of an entity over all gateways', async () => {
    const [a, b, watcher] = [gateway(), gateway(), gateway()]
    watcher.presence.watch('c')
    expect(await watcher.presence.list('c')).toEqual([])
    a.presence.enter('c', 'e1')
    a.presence.enter('c', 'e1')
    expect(await a.presence.list('c')).toEqual(['e1'])
    b.presence.enter('c', 'e1')
    b.presence.enter('c', 'e2')
    b.presence.enter('elsewhere', 'e3')
    expect(await b.presence.list('c')).toEqual(['e1', 'e2'])
    a.presence.leave('c', 'e1')
    a.presence.leave('c', 'e1')
    expect(await a.presence.list('c')).toEqual(['e1', 'e2'])
    b.presence.leave('c', 'e1')
    await expect.poll(watcher.told).toEqual(['+e1', '+e2', '-e1'])
    expect(watcher.changes.map(({ count }) => count)).toEqual([1, 2, 1])
    expect(a.changes).toEqual([])
  })

  it('tells nobody of a leave and a join in quick succession, nor who has stopped to watch', async () => {
    const a = gateway({ windowMs: 50 })
    const watcher = gateway()
    const former = gateway()
    watcher.presence.watch('c')
    former.presence.watch('c')
    former.presence.unwatch('c')
    await Promise.all([watcher.presence.list('c'), former.presence.list('c')])
    a.presence.enter('c', 'e1')
    await expect.poll(watcher.told).toEqual(['+e1'])
    a.presence.leave('c', 'e1')
    a.presence.enter('c', 'e1')
    a.presence.enter('c', 'e2')
    a.presence.leave('c', 'e2')
    a.presence.enter('c', 'e3')
    await expect.poll(watcher.told).toEqual(['+e1', '+e3'])
    expect(former.changes).toEqual([])
  })

  it('takes the share of a gateway that dies, and keeps what another one holds too', async () => {
    const [dying, other, watcher] = [gateway(), gateway(), gateway()]
    watcher.presence.watch('c')
    await watcher.presence.list('c')
    dying.presence.enter('c', 'only-here')
    dying.presence.enter('c', 'both')
    other.presence.enter('c', 'both')
    await Promise.all([dying.presence.list('c'), other.presence.list('c')])
    await dying.die()
    await expect.poll(watcher.told).toContain('-only-here')
    expect(watcher.told()).not.toContain('-both')
    expect(await watcher.presence.list('c')).toEqual(['both'])
  })

  it('takes the share of a gateway that closes at once', async () => {
    const [a, b] = [gateway(), gateway()]
    a.presence.enter('c', 'e1')
    await a.presence.list('c')
    a.presence.close()
    await expect.poll(() => b.presence.list('c')).toEqual([])
    expect(a.link.isOpen).toBe(true)
  })

  it('disturbs nobody when a link is cut and comes back, and tells what changed meanwhile', async () => {
    const [a, watcher] = [gateway(), gateway()]
    watcher.presence.watch('c')
    await watcher.presence.list('c')
    for (const id of ['e1', 'e2']) a.presence.enter('c', id)
    await expect.poll(watcher.told).toEqual(['+e1', '+e2'])
    // The first leave is told and lost with the link, the other changes are told by the next one.
    a.presence.leave('c', 'e1')
    const listed = a.presence.list('c')
    a.link.reset('cut by the test')
    a.presence.leave('c', 'e2')
    a.presence.enter('c', 'e3')
    expect(await listed).toEqual(['e3'])
    const told = ['+e1', '+e2', '+e3', '-e1', '-e2']
    await expect.poll(() => watcher.told().toSorted()).toEqual(told)
    expect(a.openings()).toBe(2)
  })

  it('registers everything with a new hub, which announces nobody who was known before', async () => {
    const late = join(directory.path, 'late.sock')
    symlinkSync(socketIn(directory.path), late)
    const [a, watcher] = [gateway({}, late), gateway()]
    watcher.presence.watch('c')
    await watcher.presence.list('c')
    const known = Array.from({ length: 2_500 }, (_, index) => `e${index}`)
    for (const id of known) a.presence.enter('c', id)
    await expect.poll(() => watcher.changes.length).toBe(known.length)

    // The watcher is there again before the others are.
    unlinkSync(late)
    await stopHub()
    a.presence.enter('c', 'new')
    await startHub()
    expect(await watcher.presence.list('c')).toEqual([])
    symlinkSync(socketIn(directory.path), late)
    expect(await a.presence.list('c')).toHaveLength(known.length + 1)
    await expect.poll(() => watcher.told().slice(known.length)).toEqual(['+new'])
    expect(await watcher.presence.list('c')).toHaveLength(known.length + 1)
  })

  it('announces nobody one by one in a channel above the bound, and lists them all', async () => {
    await stopHub()
    await startHub(3)
    const [a, watcher] = [gateway(), gateway()]
    watcher.presence.watch('c')
    expect(await watcher.presence.list('c')).toEqual([])
    for (const entityId of ['e1', 'e2', 'e3', 'e4', 'e5']) a.presence.enter('c', entityId)
    expect(await a.presence.list('c')).toHaveLength(5)
    a.presence.leave('c', 'e5')
    a.presence.leave('c', 'e1')
    expect(await a.presence.list('c')).toEqual(['e2', 'e3', 'e4'])
    await expect.poll(watcher.told).toEqual(['+e1', '+e2', '+e3', '-e1'])
  })

  it('rejects a list with WRITER_UNAVAILABLE when nobody answers in time, and bounds the asking', async () => {
    await stopHub()
    const { presence } = gateway({ listTimeoutMs: 50, maxPendingLists: 1 })
    const first = presence.list('c')
    await expect(presence.list('c')).rejects.toMatchObject({ code: 'OVERLOADED' })
    await expect(first).rejects.toMatchObject({ code: 'WRITER_UNAVAILABLE' })
    await startHub()
  })
})
