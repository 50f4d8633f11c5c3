import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LogCore } from '../../src/log/core.ts'
import type { Applied } from '../../src/log/engine.ts'
import { StoreEngine } from '../../src/log/engine/store-engine.ts'
import { openWriterDatabase } from '../../src/log/sqlite/open-database.ts'
import { SqliteStore } from '../../src/log/sqlite/sqlite-store.ts'
import { isFull } from '../../src/log/sqlite/storage-errors.ts'
import { newId } from '../../src/util/new-id.ts'
import { apply, channelIn, entriesOf, post, refusal, textsOf } from './engine-support.ts'

let directory: string
let database: Database
let engine: StoreEngine
let channelId: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'parley-full-'))
  database = openWriterDatabase(join(directory, 'log.db'), 'full')
  engine = new StoreEngine({ store: new SqliteStore(database), now: Date.now, isFull })
  const server = { id: 's', name: 'S', sourceType: 'test' }
  apply(engine, { type: 'create-server', id: newId(), server })
  channelId = channelIn(engine, { serverId: 's' })
})

afterEach(() => {
  engine.close()
  rmSync(directory, { recursive: true })
})

/** Leaves room for so many pages more, as a disk would. */
function leaveRoom(pages: number): void {
  const used = Number(database.pragma('page_count', { simple: true }))
  database.pragma(`max_page_count = ${used + pages}`)
}

const large = () => post(channelId, 'x'.repeat(100_000))

describe('a SQLite log without room', () => {
  it('refuses the batch whole, goes on, and numbers without a hole', () => {
    apply(engine, post(channelId, 'before'))
    leaveRoom(2)
    expect(() => engine.apply([post(channelId, 'lost'), large()])).toThrow('disk is full')
    expect(engine.head(channelId)).toBe(1)
    expect(apply(engine, post(channelId, 'small')).outcome.seq).toBe(2)
    leaveRoom(1_000)
    expect(apply(engine, large()).outcome.seq).toBe(3)
    expect(textsOf(engine, channelId).slice(1)).toEqual(['small', 'before'])
    expect(refusal(engine, { type: 'clear', id: newId(), channelId: 'none' })).toBe(
      'CHANNEL_NOT_FOUND',
    )
  })

  it('answers every append of a refused batch, delivers none of it, and does not fail', async () => {
    const onFailure = vi.fn()
    const onStorageFull = vi.fn()
    const core = new LogCore({ engine, onFailure, onStorageFull })
    const submit = (command: ReturnType<typeof post>): Promise<Applied> =>
      new Promise((resolve) => {
        core.submit(command, 1, resolve)
      })
    const seen: number[] = []
    const consumer = {
      onEntries: (_: string, entries: readonly { readonly seq: number }[]) => {
        seen.push(...entries.map(({ seq }) => seq))
      },
      onEphemeral: () => undefined,
    }
    core.attach(consumer).follow(channelId)
    leaveRoom(2)
    const refused = await Promise.all([submit(post(channelId, 'a')), submit(large())])
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: 'STORAGE_FULL' } })
    expect(onStorageFull).toHaveBeenCalledTimes(1)
    leaveRoom(1_000)
    expect(await submit(post(channelId, 'b'))).toMatchObject({ outcome: { seq: 1 } })
    expect(seen).toEqual([1])
    expect(entriesOf(engine, channelId)).toHaveLength(1)
    expect(onFailure).not.toHaveBeenCalled()
    core.close()
  })
})
