import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreEngine } from '../../src/log/engine/store-engine.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { openWriterDatabase } from '../../src/log/sqlite/open-database.ts'
import { openSqliteEngine, openSqliteReader } from '../../src/log/sqlite/sqlite-engine.ts'
import { SqliteStore } from '../../src/log/sqlite/sqlite-store.ts'
import { newId } from '../../src/util/new-id.ts'
import {
  apply,
  channelIn,
  createChannel,
  entriesOf,
  openInbox,
  post,
  textsOf,
} from './engine-support.ts'

let directory: string
let file: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'parley-sqlite-'))
  file = join(directory, 'log.db')
})

afterEach(() => rmSync(directory, { recursive: true }))

const open = () => openSqliteEngine({ file, durability: 'full' })

/** Runs statements on the closed file. */
function tamper(sql: string): void {
  const database = new Database(file)
  database.exec(sql)
  database.close()
}

describe('a SQLite log opened again', () => {
  it('shows the same, in the same epoch, and goes on counting', () => {
    const first = open()
    openInbox(first, 'bot')
    const id = channelIn(first, { participants: [{ entityId: 'bot', isAgent: true }] })
    first.apply([post(id, 'a', { clientMessageId: 'k' }), post(id, 'b')])
    const shown = [first.epoch, first.channels(), first.channel(id), entriesOf(first, id)]
    first.close()
    const second = open()
    expect([second.epoch, second.channels(), second.channel(id), entriesOf(second, id)]).toEqual(
      shown,
    )
    expect(second.servers()).toHaveLength(1)
    const again = apply(second, post(id, 'x', { clientMessageId: 'k' }))
    expect(again.outcome).toMatchObject({ seq: 1, isDuplicate: true, hasAgents: true })
    expect(apply(second, post(id, 'c')).outcome.seq).toBe(3)
    second.close()
  })

  it('goes on erasing where it stopped, until no content is left in the file', () => {
    const first = open()
    const id = channelIn(first)
    const total = 4 * ENGINE_LIMITS.sweepRows
    first.apply(Array.from({ length: total }, () => post(id, 'top-secret')))
    apply(first, { type: 'clear', id: newId(), channelId: id })
    first.close()
    expect(readFileSync(file, 'latin1')).toContain('top-secret')
    const second = open()
    expect(textsOf(second, id)).toEqual([])
    let slices = 1
    while (second.sweep()) slices += 1
    expect(slices).toBe(4)
    second.close()
    expect(readFileSync(file, 'latin1')).not.toContain('top-secret')
  })

  it('keeps nothing of a deleted channel that says who owned it', () => {
    const engine = open()
    const channelId = channelIn(engine, { ownerId: 'owner-of-it' })
    apply(engine, { type: 'delete-channel', id: newId(), channelId })
    engine.close()
    expect(readFileSync(file, 'latin1')).not.toContain('owner-of-it')
  })

  it('keeps its channels right when more of them are used than it caches', () => {
    const store = new SqliteStore(openWriterDatabase(file, 'normal'), {
      cache: { maxChannels: 2 },
    })
    const engine = new StoreEngine({ store, now: () => 1 })
    const server = { id: 's', name: 'S', sourceType: 'test' }
    apply(engine, { type: 'create-server', id: newId(), server })
    const ids = [1, 2, 3, 4].map(() => channelIn(engine, { serverId: 's' }))
    for (let round = 0; round < 3; round += 1) engine.apply(ids.map((id) => post(id, `${round}`)))
    for (const id of ids) expect(entriesOf(engine, id).map(({ seq }) => seq)).toEqual([1, 2, 3])
    const { entries } = apply(engine, { type: 'delete-server', id: newId(), serverId: 's' })
    expect(entries.map(({ seq }) => seq)).toEqual([4, 4, 4, 4])
    engine.close()
  })
})

describe('a SQLite log whose storage fails', () => {
  it('throws, keeps nothing of the batch and takes no more changes', () => {
    const database = openWriterDatabase(file, 'full')
    const engine = new StoreEngine({ store: new SqliteStore(database), now: Date.now })
    const server = { id: 's', name: 'S', sourceType: 'test' }
    apply(engine, { type: 'create-server', id: newId(), server })
    const id = channelIn(engine, { serverId: 's' })
    apply(engine, post(id, 'kept'))
    const pages = Number(database.pragma('page_count', { simple: true }))
    database.pragma(`max_page_count = ${pages + 2}`)
    const other = createChannel({ serverId: 's' })
    const large = post(id, 'x'.repeat(100_000))
    expect(() => engine.apply([other, post(id, 'lost'), large])).toThrow('full')
    expect(engine.channel(other.channel.id)).toBeUndefined()
    expect(engine.head(id)).toBe(1)
    database.pragma(`max_page_count = ${pages * 100}`)
    expect(() => engine.apply([post(id, 'late')])).toThrow('failed before')
    engine.close()
    const reopened = open()
    expect(textsOf(reopened, id)).toEqual(['kept'])
    expect(apply(reopened, post(id, 'next')).outcome.seq).toBe(2)
    reopened.close()
  })

  it('rolls back and lets go of the file when a fault of ours breaks a batch', () => {
    const engine = open()
    const id = channelIn(engine)
    const circular: Record<string, never> = {}
    Object.assign(circular, { circular })
    const broken = post(id, '', { body: { text: '', source: '', metadata: circular } })
    expect(() => engine.apply([post(id, 'lost'), broken])).toThrow('circular')
    expect(engine.head(id)).toBe(0)
    const next = open()
    expect(apply(next, post(id, 'next')).outcome.seq).toBe(1)
    next.close()
    engine.close()
  })
})

describe('opening a SQLite log', () => {
  it('makes files that only the owner can read', () => {
    const engine = open()
    for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600)
    engine.close()
  })

  it('refuses a database of a newer release, a foreign one and what is none', () => {
    open().close()
    tamper('PRAGMA user_version = 999')
    expect(open).toThrow('version 999, this release knows')
    expect(() => openSqliteReader({ file, busyTimeoutMs: 100 })).toThrow('newer release')
    rmSync(file)
    tamper('CREATE TABLE t (x)')
    expect(open).toThrow('another program')
    writeFileSync(file, 'no database at all, only some text'.repeat(99))
    expect(open).toThrow('not a database')
  })

  it('refuses a damaged file with advice', () => {
    open().close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 100, 4096)
    writeFileSync(file, bytes)
    expect(open).toThrow('the database is damaged')
  })

  it('says which file a reader did not find', () => {
    expect(() => openSqliteReader({ file, busyTimeoutMs: 100 })).toThrow(
      `cannot open the log ${file}`,
    )
  })

  it('leaves an unfinished first start to the next one', () => {
    writeFileSync(file, '')
    expect(() => openSqliteReader({ file, busyTimeoutMs: 100 })).toThrow('start the writer')
    const engine = open()
    expect(engine.servers()).toHaveLength(1)
    engine.close()
  })
})

describe('a reader of a SQLite log', () => {
  it('sees what is committed, at once, and nothing else', () => {
    const engine = open()
    const reader = openSqliteReader({ file, busyTimeoutMs: 100 })
    expect(reader.epoch).toBe(engine.epoch)
    const id = channelIn(engine)
    apply(engine, post(id, 'a'))
    expect(reader.channel(id)).toEqual(engine.channel(id))
    expect(reader.messages({ channelId: id, limit: 9 }).messages).toHaveLength(1)
    const other = new Database(file)
    other.exec(`BEGIN IMMEDIATE; UPDATE entries SET data = NULL`)
    expect(reader.messages({ channelId: id, limit: 9 }).messages).toHaveLength(1)
    other.exec('ROLLBACK')
    other.close()
    apply(engine, { type: 'clear', id: newId(), channelId: id })
    expect(reader.messages({ channelId: id, limit: 9 }).messages).toEqual([])
    expect(reader.head(id)).toBe(2)
    reader.close()
    engine.close()
  })
})
