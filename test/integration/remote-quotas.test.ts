import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FrameKind } from '../../src/ipc/frame-kinds.ts'
import { listenLinks } from '../../src/ipc/listen.ts'
import { ReconnectingLink } from '../../src/ipc/reconnecting-link.ts'
import { QuotaHub } from '../../src/signals/quota-hub.ts'
import { RemoteQuotas } from '../../src/signals/remote-quotas.ts'
import type { RemoteQuotasOptions } from '../../src/signals/remote-quotas.ts'
import type { Hold } from '../../src/signals/signals.ts'
import { newId } from '../../src/util/new-id.ts'
import { socketIn, temporaryDirectory } from '../contract/support/remote.ts'

const KEY = 'entity alice'
const PER_SECOND = 160

async function isRefused(promise: Promise<Hold>): Promise<boolean> {
  const hold = await promise
  hold.release()
  return hold.refused !== undefined
}

describe('quotas over links', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let stopHub: () => Promise<void>
  let closing: (() => Promise<void>)[]
  let nowMs: number

  beforeEach(async () => {
    directory = temporaryDirectory()
    closing = []
    nowMs = 1_000_000
    await startHub()
  })
  afterEach(async () => {
    await Promise.all(closing.map((close) => close()))
    await stopHub()
    directory.remove()
  })

  async function startHub(): Promise<void> {
    const hub = new QuotaHub()
    const server = await listenLinks({
      path: socketIn(directory.path),
      self: { role: 'writer', id: newId() },
      onLink: (link) => hub.serve(link),
    })
    stopHub = () => server.close()
  }

  function gateway(options: Partial<RemoteQuotasOptions> = {}) {
    const link = new ReconnectingLink({
      path: socketIn(directory.path),
      self: { role: 'gateway', id: newId() },
    })
    const quotas = new RemoteQuotas({ link, nowMs: () => nowMs, ...options })
    const open = new Promise<void>((resolve) => {
      link.onOpen(resolve)
    })
    link.start()
    const die = async (): Promise<void> => {
      quotas.close()
      await link.close()
    }
    closing.push(die)
    const hold = (max: number, key: string = KEY): Promise<Hold> => quotas.hold([{ key, max }])
    const take = (times: number): number =>
      Array.from({ length: times }, () => quotas.take(KEY, PER_SECOND)).filter((ms) => ms === 0)
        .length
    return { quotas, link, open, die, hold, take }
  }

  /** Two gateways that are linked. */
  async function pair() {
    const both = [gateway(), gateway()] as const
    await Promise.all(both.map(({ open }) => open))
    return both
  }

  it('block a key on every gateway once one has used it up, until the second ends', async () => {
    const [a, b] = await pair()
    expect(a.take(1_000)).toBe(PER_SECOND)
    await expect.poll(() => b.quotas.take(KEY, PER_SECOND)).toBe(1_000)
    expect(b.quotas.take('entity other', PER_SECOND)).toBe(0)
    nowMs += 400
    expect(b.quotas.take(KEY, PER_SECOND)).toBe(600)
    nowMs += 600
    expect(b.quotas.take(KEY, PER_SECOND)).toBe(0)
  })

  it('take what a burst on all gateways got too much from the second after', async () => {
    const [a, b] = await pair()
    expect([a.take(1_000), b.take(1_000)]).toEqual([PER_SECOND, PER_SECOND])
    nowMs += 1_000
    // Counted alone, each would allow it again.
    await expect.poll(() => a.quotas.take(KEY, PER_SECOND)).toBeGreaterThan(0)
    await expect.poll(() => b.quotas.take(KEY, PER_SECOND)).toBeGreaterThan(0)
    nowMs += 3_000
    expect(a.take(1)).toBe(1)
  })

  it('count what all gateways hold, and give room back with a release', async () => {
    const [a, b] = await pair()
    const held = [await a.hold(3), await b.hold(3), await b.hold(3)]
    expect(held.map(({ refused }) => refused)).toEqual([undefined, undefined, undefined])
    expect(await isRefused(a.hold(3))).toBe(true)
    expect((await b.hold(3)).refused).toEqual({ key: KEY, max: 3 })
    held[0]?.release()
    held[0]?.release()
    await expect.poll(async () => isRefused(b.hold(3))).toBe(false)
    const again = await b.hold(3)
    expect(again.refused).toBeUndefined()
    expect(await isRefused(a.hold(3))).toBe(true)
  })

  it('hold nothing of two keys when one has no room', async () => {
    const [a, b] = await pair()
    const wanted = [
      { key: KEY, max: 5 },
      { key: 'address 192.0.2.1', max: 1 },
    ]
    await a.quotas.hold(wanted)
    for (let tries = 0; tries < 8; tries += 1) {
      expect((await b.quotas.hold(wanted)).refused).toEqual(wanted[1])
    }
    const free = await Promise.all(Array.from({ length: 4 }, () => b.hold(5)))
    expect(free.every(({ refused }) => refused === undefined)).toBe(true)
    expect((await b.hold(5)).refused).toBeDefined()
  })

  it('let as many in as there is room for when all ask at once', async () => {
    const [a, b] = await pair()
    const asked = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? a : b).hold(30))
    const got = await Promise.all(asked)
    expect(got.filter(({ refused }) => refused === undefined).length).toBe(30)
    for (const hold of got) hold.release()
    await expect
      .poll(async () => {
        const all = await Promise.all(Array.from({ length: 30 }, () => b.hold(30)))
        for (const hold of all) hold.release()
        return all.filter(({ refused }) => refused !== undefined).length
      })
      .toBe(0)
  })

  it('give the share of a gateway that dies back', async () => {
    const [dying, other] = await pair()
    await dying.hold(1)
    expect(await isRefused(other.hold(1))).toBe(true)
    await dying.link.close()
    await expect.poll(async () => isRefused(other.hold(1))).toBe(false)
  })

  it('are told again to a hub that restarted, and decided alone while it is away', async () => {
    const [a, b] = await pair()
    const [kept, gone] = [await a.hold(2), await b.hold(2)]
    await stopHub()
    await expect.poll(() => a.link.isOpen || b.link.isOpen).toBe(false)
    gone.release()
    const alone = await b.hold(2)
    expect(alone.refused).toBeUndefined()
    expect(a.take(1_000)).toBe(PER_SECOND)
    // Its own it knows.
    expect((await a.hold(2)).refused).toBeUndefined()
    expect((await a.hold(2)).refused).toEqual({ key: KEY, max: 2 })
    await startHub()
    await expect.poll(() => a.link.isOpen && b.link.isOpen).toBe(true)
    // Asked by one that holds nothing, whose own count tells the hub nothing about the others.
    const c = gateway()
    await c.open
    await expect.poll(async () => isRefused(c.hold(3))).toBe(true)
    kept.release()
    alone.release()
    await expect.poll(async () => isRefused(b.hold(2))).toBe(false)
  })

  it('let in whom the hub does not answer about in time, and count them for it all the same', async () => {
    await stopHub()
    const told: unknown[] = []
    const silent = await listenLinks({
      path: socketIn(directory.path),
      self: { role: 'writer', id: newId() },
      onLink: (link) => {
        link.handle(FrameKind.QUOTA_HOLDING, () => undefined)
        link.handle(FrameKind.QUOTA_ACQUIRE, () => undefined)
        link.handle(FrameKind.QUOTA_HELD, (payload) => told.push(JSON.parse(payload.toString())))
      },
    })
    const a = gateway({ holdTimeoutMs: 20 })
    await a.open
    expect((await a.hold(2)).refused).toBeUndefined()
    // Whatever becomes of the question, this is what is held.
    await expect.poll(() => told).toEqual([[[KEY, 1]]])
    const asked = a.hold(2)
    await silent.close()
    expect((await asked).refused).toBeUndefined()
    await startHub()
    await expect.poll(() => a.link.isOpen).toBe(true)
    const b = gateway()
    await b.open
    await expect.poll(async () => isRefused(b.hold(2))).toBe(true)
  })

  it('ask about no more at a time than may wait, and let the others in', async () => {
    const a = gateway({ maxPendingHolds: 1 })
    const b = gateway()
    await Promise.all([a.open, b.open])
    await b.hold(1)
    const [asked, unasked] = await Promise.all([a.hold(1), a.hold(2)])
    expect(asked.refused).toBeDefined()
    expect(unasked.refused).toBeUndefined()
  })
})
