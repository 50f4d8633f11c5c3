import { describe, expect, it } from 'vitest'
import { ChannelCache } from '../../../src/log/sqlite/channel-cache.ts'
import { decodeId, encodeId } from '../../../src/log/sqlite/id-codec.ts'
import { requireSqliteVersion } from '../../../src/log/sqlite/sqlite-version.ts'
import type { ChannelRecord } from '../../../src/log/engine/records.ts'

const record = (key: number): ChannelRecord => ({
  key,
  id: `c${key}`,
  serverId: 's',
  type: 'GROUP',
  words: { name: '', metadata: {} },
  createdAt: 1,
  updatedAt: 1,
  createdBy: '',
  order: key,
  dmKey: null,
  isLive: true,
  hasAgents: false,
  participantCount: 0,
  visibility: 'public',
  ownerId: null,
  clearedSeq: 0,
  sweptSeq: 0,
})

const wordy = (key: number, length: number): ChannelRecord => ({
  ...record(key),
  words: { name: '', metadata: { words: 'é'.repeat(length / 2) } },
})
const overhead = JSON.stringify(wordy(1, 0).words).length
const held = (cache: ChannelCache) => [1, 2, 3, 4].filter((key) => cache.getByKey(key))

describe('ids in the database', () => {
  it('are decoded as they were encoded, UUIDs in 16 bytes', () => {
    const uuid = '0190a000-0000-7000-8000-00000000000f'
    expect(encodeId(uuid)).toHaveLength(16)
    const others = ['user-id-1', uuid.toUpperCase(), uuid.replaceAll('-', '_'), '', `${uuid}x`]
    for (const id of [uuid, ...others]) expect(decodeId(encodeId(id))).toBe(id)
    for (const id of others) expect(encodeId(id)).toBe(id)
  })
})

describe('the required SQLite', () => {
  it('is 3.51.3 or newer, by number and not by letter', () => {
    for (const version of ['3.51.3', '3.51.10', '3.100.0', '4.0.0']) requireSqliteVersion(version)
    for (const version of ['3.51.2', '3.9.99', '2.99.99', '', 'new']) {
      expect(() => requireSqliteVersion(version)).toThrow('too old')
    }
  })
})

describe('the cache of channels', () => {
  it('drops the least recently used one at its bound', () => {
    const cache = new ChannelCache({ maxChannels: 2 })
    cache.add(record(1), { seq: 1, at: 1 })
    cache.add(record(2), { seq: 2, at: 1 })
    cache.get('c1')
    cache.add(record(3), { seq: 3, at: 1 })
    expect(cache.get('c2')).toBeUndefined()
    expect(cache.tail(2)).toBeUndefined()
    expect(cache.get('c1')).toEqual(record(1))
    expect(cache.getByKey(3)).toEqual(record(3))
  })

  it('drops the least recently used ones whose words are too many bytes together', () => {
    const cache = new ChannelCache({ maxBytes: 3 * (overhead + 100) })
    for (const key of [1, 2, 3]) cache.add(wordy(key, 100), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([1, 2, 3])
    cache.get('c1')
    cache.add(wordy(4, 102), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([1, 4])
    cache.add(wordy(4, 100), { seq: 1, at: 1 })
    cache.add(wordy(3, 100), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([1, 3, 4])
    cache.add(wordy(2, 10_000), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([2])
  })

  it('counts the words that a channel has now, which for a deleted one are none', () => {
    const cache = new ChannelCache({ maxBytes: 3 * (overhead + 100) })
    for (const key of [1, 2, 3]) cache.add(wordy(key, 100), { seq: 1, at: 1 })
    cache.replace({ ...record(3), isLive: false })
    cache.add(wordy(4, 100), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([1, 2, 3, 4].slice(1))
    expect(cache.getByKey(3)?.words).toEqual(record(3).words)
    cache.replace(wordy(4, 400))
    expect(held(cache)).toEqual([4])
    cache.clear()
    for (const key of [1, 2, 3]) cache.add(wordy(key, 100), { seq: 1, at: 1 })
    expect(held(cache)).toEqual([1, 2, 3])
  })

  it('changes what it holds and ignores what it does not', () => {
    const cache = new ChannelCache({ maxChannels: 2 })
    cache.add(record(1), { seq: 1, at: 1 })
    cache.replace({ ...record(1), clearedSeq: 5 })
    cache.moveTail(1, { seq: 9, at: 2 })
    cache.replace(record(7))
    cache.moveTail(7, { seq: 1, at: 1 })
    expect(cache.get('c1')?.clearedSeq).toBe(5)
    expect(cache.tail(1)).toEqual({ seq: 9, at: 2 })
    expect(cache.getByKey(7)).toBeUndefined()
    cache.clear()
    expect(cache.get('c1')).toBeUndefined()
    expect(cache.getByKey(1)).toBeUndefined()
  })
})
