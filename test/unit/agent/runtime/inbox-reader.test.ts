import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { InboxReader } from '../../../../src/agent/runtime/inbox-reader.ts'
import { ReadAhead } from '../../../../src/agent/runtime/read-ahead.ts'
import type { InboxItem, InboxPage, InboxQuery } from '../../../../src/log/inbox.ts'

const LIMITS = { readAhead: 16, channelReadAhead: 2, maxThroughAhead: 40 }

function itemOf(place: number, channelId: string): InboxItem {
  const body = { text: `m${place}`, source: 'test' }
  const message = {
    id: `m${place}`,
    channelId,
    serverId: 's',
    seq: place,
    authorId: 'alice',
    body,
    createdAt: 0,
    updatedAt: 0,
  }
  const channel = { id: channelId, serverId: 's', type: 'GROUP', name: 'c' } as const
  return { place, message, channel, hops: 0, isFromAgent: false }
}

/** A log of messages in these channels, in which others' messages lie between. */
class World {
  readonly items: InboxItem[] = []
  readonly taken: InboxItem[] = []
  readonly open = new Map<number, InboxItem>()
  readonly reader: InboxReader
  newest = 0
  reads = 0
  mostHeld = 0
  mostThroughAhead = 0
  pagePlaces = 40

  constructor() {
    this.reader = new InboxReader({
      inbox: { inbox: async (query) => this.#page(query) },
      agentId: 'agent',
      after: 0,
      limits: LIMITS,
      logger: pino({ level: 'silent' }),
      onItem: (item) => {
        this.taken.push(item)
        this.open.set(item.place, item)
        this.mostHeld = Math.max(this.mostHeld, this.open.size)
      },
      onProgress: () => undefined,
    })
  }

  post(channelId: string | undefined): void {
    this.newest += 1
    if (channelId !== undefined) this.items.push(itemOf(this.newest, channelId))
  }

  finish(item: InboxItem): void {
    this.open.delete(item.place)
    this.reader.release(item)
    const cursor = this.reader.settledUpTo
    const ahead = this.taken.filter(({ place }) => place > cursor && !this.open.has(place))
    this.mostThroughAhead = Math.max(this.mostThroughAhead, ahead.length)
  }

  /** Works on, in all channels but this one, until nothing more is handed out. */
  async workOnBut(stuck?: string): Promise<void> {
    let taken = -1
    while (taken < this.taken.length) {
      taken = this.taken.length
      for (const item of this.open.values()) {
        if (item.channel.id !== stuck) this.finish(item)
      }
      await this.settle()
    }
  }

  /** Until nothing more is read by itself. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 50; turns += 1) await nextTurn()
  }

  async #page({ after, limit }: InboxQuery): Promise<InboxPage> {
    this.reads += 1
    await nextTurn()
    const end = Math.min(after + this.pagePlaces, this.newest)
    const all = this.items.filter(({ place }) => place > after && place <= end)
    const items = all.slice(0, limit)
    const upTo = items.length < all.length ? (items.at(-1)?.place ?? after) : end
    return { items, upTo, hasMore: upTo < this.newest }
  }
}

/** Pseudo-random numbers below a bound, the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
}

/** The cursor is below everything that was not handed out or is not through. */
function checkCursor(world: World): void {
  const taken = new Set(world.taken.map(({ place }) => place))
  const lost = world.items.find(
    ({ place }) =>
      place <= world.reader.settledUpTo && (!taken.has(place) || world.open.has(place)),
  )
  expect(lost).toBeUndefined()
}

/** Posts, reads and ends work in any order. */
async function live(world: World, random: (below: number) => number): Promise<void> {
  for (let step = 0; step < 400; step += 1) {
    // One channel has most of it.
    const channel = random(3) === 0 ? `c${random(12)}` : 'loud'
    for (let count = random(4); count > 0; count -= 1) {
      world.post(random(5) === 0 ? undefined : channel)
    }
    world.reader.wake()
    if (random(2) === 0) await nextTurn()
    const open = [...world.open.values()]
    const item = open[random(Math.max(1, open.length))]
    if (item !== undefined && random(3) > 0) world.finish(item)
    checkCursor(world)
  }
}

function placesByChannel(items: readonly InboxItem[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>()
  for (const { place, channel } of items) {
    places.set(channel.id, [...(places.get(channel.id) ?? []), place])
  }
  return places
}

describe('an inbox reader', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'hands out everything once, in the order of each channel, and never lets the cursor pass what is open (seed %i)',
    async (seed) => {
      const world = new World()
      await live(world, createRandom(seed))
      while (world.taken.length < world.items.length || world.open.size > 0) {
        const [item] = world.open.values()
        if (item === undefined) await nextTurn()
        else world.finish(item)
      }
      await world.settle()
      for (const places of placesByChannel(world.taken).values()) {
        expect(places).toEqual(places.toSorted((one, other) => one - other))
      }
      expect(new Set(world.taken).size).toBe(world.items.length)
      expect(world.reader.settledUpTo).toBe(world.newest)
      expect(world.mostHeld).toBeLessThanOrEqual(LIMITS.readAhead + LIMITS.channelReadAhead)
      expect(world.mostThroughAhead).toBeLessThanOrEqual(LIMITS.maxThroughAhead)
    },
  )

  it('reads past a channel that stands still with more than may be held', async () => {
    const world = new World()
    for (let count = 0; count < 1_000; count += 1) world.post('loud')
    world.post('quiet')
    world.reader.wake()
    while (!world.taken.some(({ channel }) => channel.id === 'quiet')) await nextTurn()
    const loud = world.taken.filter(({ channel }) => channel.id === 'loud')
    expect(loud.length).toBe(LIMITS.readAhead / 2)
    expect(world.reader.settledUpTo).toBe(0)
  })

  it.each([
    ['in many channels', (index: number) => `c${index % 30}`],
    ['in one channel', () => 'busy'],
    ['in two, one of which has most', (index: number) => (index % 9 === 0 ? 'some' : 'most')],
    ['and behind it', (index: number) => (index < 20 ? 'stuck' : `c${index % 5}`)],
  ])(
    'reads no further than so many that are through ahead of one that hangs, and on when it ends: %s',
    async (_, channelOf) => {
      const world = new World()
      world.post('stuck')
      for (let index = 0; index < 1_000; index += 1) world.post(channelOf(index))
      world.reader.wake()
      await world.settle()
      await world.workOnBut('stuck')
      expect(world.reader.settledUpTo).toBe(0)
      expect(world.taken).toHaveLength(LIMITS.maxThroughAhead)
      const { reads } = world
      world.reader.wake()
      await world.settle()
      expect(world.reads).toBe(reads)
      await world.workOnBut()
      expect(world.taken).toHaveLength(1_001)
      expect(world.reader.settledUpTo).toBe(1_001)
      expect(world.mostThroughAhead).toBeLessThanOrEqual(LIMITS.maxThroughAhead)
    },
  )

  it('reads nothing more once it is stopped', async () => {
    const world = new World()
    world.post('a')
    world.reader.wake()
    await world.reader.stop()
    await world.settle()
    expect(world.taken).toEqual([])
    world.reader.wake()
    await world.settle()
    expect(world.taken).toEqual([])
  })
})

it('reads the oldest message, however much is through ahead, where it is not held', () => {
  const ahead = new ReadAhead(0, { readAhead: 4, channelReadAhead: 1, maxThroughAhead: 3 })
  const items = ['x', 'x', 'x', 'y', 'y', 'y', 'y'].map((id, index) => itemOf(index + 1, id))
  const held = items.filter((item) => ahead.offer(item))
  ahead.after = 7
  expect(held.map(({ place }) => place)).toEqual([1, 2, 4])
  const release = (place: number): void => {
    for (const item of items) if (item.place === place) ahead.release(item)
  }
  const catchUp = (from: number): readonly number[] =>
    ahead.catchUp(items.slice(from - 1), { from, upTo: 7 }).map(({ place }) => place)
  release(4)
  expect(ahead.hungryFrom()).toBeUndefined()
  // As while what follows in the one channel is read.
  release(1)
  release(2)
  expect(catchUp(5)).toEqual([5, 6])
  expect([ahead.room, ahead.hungryFrom(), ahead.settledUpTo]).toEqual([0, 3, 2])
  expect(catchUp(3)).toEqual([3])
  for (const place of [5, 6]) release(place)
  expect([ahead.room, ahead.hungryFrom()]).toEqual([0, undefined])
  release(3)
  expect([ahead.hungryFrom(), ahead.settledUpTo]).toEqual([7, 6])
})
