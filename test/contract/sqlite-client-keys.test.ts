import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { array, assert, constant, integer, oneof, property } from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultServer } from '../../src/log/engine/apply-server.ts'
import { StoreEngine } from '../../src/log/engine/store-engine.ts'
import type { ClientKey } from '../../src/log/engine/store.ts'
import type { ClientKeyOptions } from '../../src/log/sqlite/client-keys.ts'
import { openWriterDatabase } from '../../src/log/sqlite/open-database.ts'
import { SCHEMA_1 } from '../../src/log/sqlite/schema.ts'
import { SqliteStore } from '../../src/log/sqlite/sqlite-store.ts'
import { newId } from '../../src/util/new-id.ts'
import { apply, channelIn, post } from './engine-support.ts'

let directory: string
let file: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'parley-keys-'))
  file = join(directory, 'log.db')
})

afterEach(() => rmSync(directory, { recursive: true }))

/** Generations of four, so that every few posts one is full. */
const MAX_GATHERED = 4

/** Ids of batches that there was no room for. */
const lost: string[] = []

interface Opened {
  readonly database: Database.Database
  readonly engine: StoreEngine
}

function open(clientKeys: ClientKeyOptions = { maxGathered: MAX_GATHERED }): Opened {
  const database = openWriterDatabase(file, 'normal')
  const store = new SqliteStore(database, { clientKeys })
  const server = defaultServer(0)
  if (store.server(server.server.id) === undefined) {
    store.transaction(() => store.saveServer(server))
  }
  return { database, engine: new StoreEngine({ store, now: Date.now, isFull: () => true }) }
}

function count(database: Database.Database, table: string): number {
  return Number(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
}

/** Posts each client id once and answers which were there already. */
function repeatsOf({ engine }: Opened, channelId: string, ids: readonly string[]): boolean[] {
  const commands = ids.map((id) => post(channelId, id, { clientMessageId: id }))
  return engine.apply(commands).map((applied) => {
    if ('error' in applied) throw applied.error
    return applied.outcome.isDuplicate === true
  })
}

/** Posts two new ids while the table has no room for every third key; answers those that were taken. */
function addedWithoutRoom({ database, engine }: Opened, channelId: string): readonly string[] {
  database.exec(`CREATE TEMP TRIGGER no_room AFTER INSERT ON client_keys
    WHEN (SELECT count(*) FROM client_keys) % 3 = 0 BEGIN SELECT raise(ABORT, 'no room'); END`)
  const ids = [newId(), newId()]
  try {
    engine.apply(ids.map((id) => post(channelId, '', { clientMessageId: id })))
    return ids
  } catch (error) {
    expect(error).toMatchObject({ code: 'STORAGE_FULL' })
    lost.push(...ids)
    return []
  } finally {
    database.exec('DROP TRIGGER no_room')
  }
}

describe('the ids that clients give their messages', () => {
  const step = oneof(
    { weight: 6, arbitrary: array(integer({ min: 0, max: 40 }), { maxLength: 6 }) },
    { weight: 1, arbitrary: constant('reopen' as const) },
    { weight: 1, arbitrary: constant('no room' as const) },
  )

  it.each([
    ['their own hash each', undefined],
    ['few hashes', ({ clientMessageId }: ClientKey) => clientMessageId.length % 2],
  ])('are known for ever, with %s: after a failed batch and a new start', (_, hash) => {
    const options = { maxGathered: MAX_GATHERED, ...(hash && { hash }) }
    assert(
      property(array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        rmSync(file, { force: true })
        let opened = open(options)
        const channelId = channelIn(opened.engine)
        const known = new Set<string>()
        lost.length = 0
        for (const each of steps) {
          if (each === 'reopen') {
            opened.engine.close()
            opened = open(options)
          } else if (each === 'no room') {
            for (const id of addedWithoutRoom(opened, channelId)) known.add(id)
          } else {
            const ids = each.map((number) => `id-${number}`)
            const expected = ids.map((id) => known.has(id) || !known.add(id))
            expect(repeatsOf(opened, channelId, ids)).toEqual(expected)
          }
        }
        const all = [...known]
        expect(repeatsOf(opened, channelId, all)).toEqual(all.map(() => true))
        expect(repeatsOf(opened, channelId, lost)).toEqual(lost.map(() => false))
        opened.engine.close()
      }),
      { numRuns: 60 },
    )
  })

  it('are stored a generation at a time, along with later batches', () => {
    const opened = open()
    const channelId = channelIn(opened.engine)
    const stored = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => {
      repeatsOf(opened, channelId, [`id-${number}`])
      return count(opened.database, 'client_keys')
    })
    expect(stored).toEqual([0, 0, 0, 0, 2, 4, 4, 4])
    opened.engine.close()
  })

  it('are read from the rows after a kill, of which all but two generations are stored at once', () => {
    const first = open({ maxGathered: 1_000 })
    const channelId = channelIn(first.engine)
    const ids = Array.from({ length: 23 }, (_, number) => `id-${number}`)
    repeatsOf(first, channelId, ids)
    expect(count(first.database, 'client_keys')).toBe(0)
    first.engine.close()
    const second = open({ maxGathered: 10 })
    expect(count(second.database, 'client_keys')).toBe(10)
    expect(repeatsOf(second, channelId, ids)).toEqual(ids.map(() => true))
    second.engine.close()
  })

  it('name one message of one author in one channel, whatever their hashes are', () => {
    const opened = open()
    const [one, other] = [channelIn(opened.engine), channelIn(opened.engine)]
    const place = (channelId: string, authorId: string) =>
      apply(opened.engine, post(channelId, '', { authorId, clientMessageId: 'same' })).outcome
    expect(place(one, 'a')).toMatchObject({ seq: 1 })
    expect(place(one, 'b')).toMatchObject({ seq: 2 })
    expect(place(other, 'a')).toMatchObject({ seq: 1 })
    for (const [channelId, authorId] of [
      [one, 'a'],
      [one, 'b'],
      [other, 'a'],
    ] as const) {
      expect(place(channelId, authorId).isDuplicate).toBe(true)
    }
    // A row that another key's hash leads to is not taken for it.
    opened.database.exec(`UPDATE entries SET client_message_id = 'else' WHERE seq = 2`)
    expect(place(one, 'b').isDuplicate).toBeUndefined()
    opened.engine.close()
  })

  it('are found in a file of the first version', () => {
    const database = new Database(file)
    database.exec(SCHEMA_1)
    database.exec(`INSERT INTO meta VALUES ('epoch', 'e')`)
    database.pragma('application_id = 0x504c4559')
    database.pragma('user_version = 1')
    database.exec(`INSERT INTO channels VALUES
      (1, 'c', '${defaultServer(0).server.id}', 'GROUP', '{"name":"c","metadata":{}}', 1, 1, 'm', 1, NULL, 1, 0, 0, 0)`)
    const insert = database.prepare(`INSERT INTO entries
      (channel_key, seq, id, kind, at, author_id, client_message_id, data)
      VALUES (1, ?, ?, 0, 1, 'author', ?, '{"text":"","source":""}')`)
    const ids = Array.from({ length: 9 }, (_, number) => `id-${number}`)
    for (const [index, id] of ids.entries()) insert.run(index + 1, `m-${index}`, id)
    database.close()
    const opened = open()
    expect(repeatsOf(opened, 'c', [...ids, 'new'])).toEqual([...ids.map(() => true), false])
    expect(opened.engine.head('c')).toBe(10)
    opened.engine.close()
  })
})
