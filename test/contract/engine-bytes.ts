import { describe, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, entriesOf, post } from './engine-support.ts'

/** Bytes of every body as it is stored; the text takes two bytes a letter. */
const BODY_BYTES = 101
const TEXT = 'é'.repeat((BODY_BYTES - JSON.stringify({ text: '', source: 'test' }).length) / 2)
const MIB = 1024 * 1024
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id)

export function describeBytes({ engine }: Bench): void {
  const fill = (count: number): { readonly channelId: string; readonly ids: readonly string[] } => {
    const channelId = channelIn(engine())
    const posts = Array.from({ length: count }, () => post(channelId, TEXT))
    engine().apply(posts)
    return { channelId, ids: posts.map(({ message }) => message.id) }
  }
  const remove = (messageId: string) => apply(engine(), { type: 'delete', id: newId(), messageId })
  const edit = (messageId: string) =>
    apply(engine(), { type: 'edit', id: newId(), messageId, changes: { text: TEXT } })
  const page = (channelId: string, maxBytes: number, beforeSeq = 999) =>
    engine()
      .messages({ channelId, limit: 50, beforeSeq, maxBytes })
      .messages.map(({ seq }) => seq)
  const range = (channelId: string, maxBytes: number, after = 0) =>
    engine()
      .entries({ channelId, after, upTo: 999, limit: 50, maxBytes })
      .map(({ seq }) => seq)

  describe('a bound on bytes', () => {
    it('ends a page of messages before the one that passes it, and never before the first', () => {
      const { channelId } = fill(5)
      expect(page(channelId, 5 * BODY_BYTES)).toEqual([5, 4, 3, 2, 1])
      expect(page(channelId, 5 * BODY_BYTES - 1)).toEqual([5, 4, 3, 2])
      expect(page(channelId, 2 * BODY_BYTES)).toEqual([5, 4])
      expect(page(channelId, 2 * BODY_BYTES, 4)).toEqual([3, 2])
      expect(page(channelId, BODY_BYTES - 1)).toEqual([5])
      expect(page(channelId, 0, 4)).toEqual([3])
      expect(page(channelId, 0, 1)).toEqual([])
    })

    it('ends a range of entries likewise, so that the next one goes on where it ended', () => {
      const { channelId } = fill(5)
      expect(range(channelId, 5 * BODY_BYTES)).toEqual([1, 2, 3, 4, 5])
      expect(range(channelId, 5 * BODY_BYTES - 1)).toEqual([1, 2, 3, 4])
      expect(range(channelId, 2 * BODY_BYTES, 2)).toEqual([3, 4])
      expect(range(channelId, 0)).toEqual([1])
      expect(range(channelId, 0, 5)).toEqual([])
    })

    it('counts what was erased as nothing, in whichever way', () => {
      const { channelId, ids } = fill(4)
      for (const id of ids.slice(0, 3)) remove(id)
      expect(range(channelId, 0)).toEqual([1, 2, 3])
      expect(range(channelId, BODY_BYTES)).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect(page(channelId, 0)).toEqual([4])
      edit(ids[3]!)
      apply(engine(), { type: 'clear', id: newId(), channelId })
      apply(engine(), post(channelId, TEXT))
      expect(range(channelId, BODY_BYTES)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      expect(entriesOf(engine(), channelId)[7]).toMatchObject({ kind: 'edited', message: null })
    })

    it('counts what was cleared as nothing before it is swept, too', () => {
      const { sweepRows } = ENGINE_LIMITS
      const { channelId, ids } = fill(sweepRows + 3)
      edit(ids.at(-1)!)
      apply(engine(), { type: 'clear', id: newId(), channelId })
      const rest = [1, 2, 3, 4, 5].map((place) => sweepRows + place)
      expect(range(channelId, 0, sweepRows)).toEqual(rest)
      expect(page(channelId, 0)).toEqual([])
    })

    it('counts an edit as the message that it shows', () => {
      const { channelId, ids } = fill(1)
      for (let edits = 0; edits < 3; edits += 1) edit(ids[0]!)
      expect(range(channelId, 3 * BODY_BYTES)).toEqual([1, 2, 3])
      expect(range(channelId, 4 * BODY_BYTES)).toEqual([1, 2, 3, 4])
      remove(ids[0]!)
      expect(range(channelId, 0)).toEqual([1, 2, 3, 4, 5])
    })

    it('counts the channel that an entry about it shows, each time, and nothing once it is gone', () => {
      const channelId = channelIn(engine(), { name: '', metadata: { words: TEXT } })
      const update = (name: string) =>
        apply(engine(), { type: 'update-channel', id: newId(), channelId, name })
      for (const name of ['a', 'b', 'c']) update(name)
      const wordsBytes = Buffer.byteLength(JSON.stringify({ name: 'c', metadata: { words: TEXT } }))
      expect(range(channelId, 3 * wordsBytes)).toEqual([1, 2, 3])
      expect(range(channelId, 3 * wordsBytes - 1)).toEqual([1, 2])
      expect(range(channelId, 0, 1)).toEqual([2])
      const add = [{ entityId: 'a', isAgent: false }]
      const command = {
        type: 'change-participants',
        id: newId(),
        channelId,
        add,
        remove: [],
      } as const
      apply(engine(), command)
      const changesBytes = JSON.stringify({ added: add, removed: [] }).length
      expect(range(channelId, 2 * wordsBytes + changesBytes, 2)).toEqual([3, 4])
      expect(range(channelId, 2 * wordsBytes + changesBytes - 1, 2)).toEqual([3])
      apply(engine(), { type: 'delete-channel', id: newId(), channelId })
      expect(range(channelId, changesBytes)).toEqual([1, 2, 3, 4, 5])
    })

    it('leaves the oldest out of a list of channels or servers, and never the newest', () => {
      const metadata = { words: 'x'.repeat(3 * MIB) }
      const server = (id: string, extra = {}) =>
        apply(engine(), {
          type: 'create-server',
          id: newId(),
          server: { id, name: 'S', sourceType: 'test', ...extra },
        })
      for (const id of ['s1', 's2', 's3', 's4']) server(id, { metadata })
      expect(idsOf(engine().servers())).toEqual(['s3', 's4'])
      const ids = ['s1', 's1', 's2', 's1'].map((serverId) =>
        channelIn(engine(), { serverId, metadata }),
      )
      expect(idsOf(engine().channels())).toEqual([ids[2], ids[3]])
      expect(idsOf(engine().channels('s1'))).toEqual([ids[1], ids[3]])
      const huge = { words: 'x'.repeat(9 * MIB) }
      const last = channelIn(engine(), { serverId: 's2', metadata: huge })
      expect(idsOf(engine().channels())).toEqual([last])
      server('s5', { metadata: huge })
      expect(idsOf(engine().servers())).toEqual(['s5'])
      const small = channelIn(engine())
      expect(idsOf(engine().channels())).toEqual([small])
    })

    it('lists what fits it exactly', () => {
      const wordsBytes = JSON.stringify({ name: 'A channel', metadata: { words: '' } }).length
      const half = 'é'.repeat((ENGINE_LIMITS.maxReadBytes / 2 - wordsBytes) / 2)
      const odd = wordsBytes % 2 === 1 ? 'x' : ''
      const ids = [1, 2].map(() => channelIn(engine(), { metadata: { words: half + odd } }))
      expect(idsOf(engine().channels())).toEqual(ids)
      apply(engine(), {
        type: 'update-channel',
        id: newId(),
        channelId: ids[0]!,
        metadata: { words: `${half}${odd}x` },
      })
      expect(idsOf(engine().channels())).toEqual([ids[1]])
    })

    it('does not keep a server from going with its channels', () => {
      apply(engine(), {
        type: 'create-server',
        id: newId(),
        server: { id: 's', name: 'S', sourceType: 'test' },
      })
      const metadata = { words: 'x'.repeat(3 * MIB) }
      const ids = [1, 2, 3, 4].map(() => channelIn(engine(), { serverId: 's', metadata }))
      const removal = { type: 'delete-server', id: newId(), serverId: 's' } as const
      const { entries } = apply(engine(), removal)
      expect(entries.map(({ channelId }) => channelId)).toEqual(ids)
      for (const id of ids) expect(engine().channel(id)).toBeUndefined()
    })

    it('is 8 MiB where none is named', () => {
      const channelId = channelIn(engine())
      for (let count = 0; count < 10; count += 1) {
        apply(engine(), post(channelId, 'x'.repeat(MIB - 100)))
      }
      expect(engine().messages({ channelId, limit: 50 }).messages).toHaveLength(8)
      expect(engine().entries({ channelId, after: 0, upTo: 10, limit: 50 })).toHaveLength(8)
    })
  })
}
