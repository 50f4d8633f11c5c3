import { copyFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultServer } from '../../src/log/engine/apply-server.ts'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import { encodeId } from '../../src/log/sqlite/id-codec.ts'
import { SCHEMA_VERSION } from '../../src/log/sqlite/migrate.ts'
import { SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4 } from '../../src/log/sqlite/schema.ts'
import { openSqliteEngine, openSqliteReader } from '../../src/log/sqlite/sqlite-engine.ts'
import { CHANNEL_TYPES, defaultVisibility } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import { openStream } from './engine-stream-support.ts'
import { apply, entriesOf, post, refusal } from './engine-support.ts'
import { databaseIn, temporaryDirectory } from './support/remote.ts'

const SERVER = defaultServer(1).server
const AUTHOR = newId()
/** Of each type the live channel is named by the type. */
const DEAD = 'deleted'

/** Writes what the second version held, or later ones make of it: a channel of each type, with messages and two participants. */
function writeVersion(file: string, version: number): void {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(SCHEMA_1)
  database.exec(SCHEMA_2)
  database.exec(`INSERT INTO meta VALUES ('epoch', 'epoch-of-2'), ('client_keys_salt', '7')`)
  database
    .prepare(`INSERT INTO servers (id, server, created_by, is_live) VALUES (?, ?, '', 1)`)
    .run(SERVER.id, JSON.stringify(SERVER))
  const insertChannel = database.prepare(`INSERT INTO channels
    (key, id, server_id, type, words, created_at, updated_at, created_by, place, dm_key, is_live, has_agents, cleared_seq, swept_seq)
    VALUES (?, ?, '${SERVER.id}', ?, ?, 5, 6, ?, ?, NULL, ?, ?, 0, 0)`)
  const insertParticipant = database.prepare(`INSERT INTO participants VALUES (?, ?, ?, ?)`)
  const insertEntry = database.prepare(`INSERT INTO entries
    (channel_key, seq, id, kind, at, author_id, client_message_id, data) VALUES (?, ?, ?, 0, 7, ?, ?, ?)`)
  for (const [index, type] of CHANNEL_TYPES.entries()) {
    const key = index + 1
    const words = JSON.stringify({ name: `the ${type}`, topic: 't', metadata: { key } })
    insertChannel.run(key, type, type, words, newId(), key, 1, 1)
    insertParticipant.run(key, 1, 'ann', 0)
    insertParticipant.run(key, 2, 'bot', 1)
    for (const seq of [1, 2]) {
      const body = JSON.stringify({ text: `${type} ${seq}`, source: 's' })
      insertEntry.run(key, seq, encodeId(newId()), encodeId(AUTHOR), `client-${seq}`, body)
    }
  }
  const words = '{"name":"","metadata":{}}'
  insertChannel.run(99, DEAD, 'DM', words, newId(), 99, 0, 0)
  database.pragma('application_id = 0x504c4559')
  if (version >= 3) database.exec(SCHEMA_3)
  if (version >= 4) database.exec(SCHEMA_4)
  database.pragma(`user_version = ${version}`)
  database.close()
}

const names = (participants: readonly string[]) =>
  ({ type: 'update-channel', id: newId(), channelId: 'GROUP', participants }) as const

function inFile<T>(file: string, read: (database: Database.Database) => T): T {
  const database = new Database(file, { readonly: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}

describe.each([2, 3, 4])('a file of version %i', (version) => {
  const directory = temporaryDirectory()
  const template = databaseIn(directory.path)
  writeVersion(template, version)
  let count = 0
  let file: string
  let engine: SweepingEngine

  beforeEach(() => {
    count += 1
    file = `${template}-${count}`
    copyFileSync(template, file)
    engine = openSqliteEngine({ file, durability: 'normal', maxParticipants: 2 })
  })
  afterEach(() => engine.close())

  it('is not read before the writer has brought it to the present one', () => {
    expect(() => openSqliteReader({ file: template, busyTimeoutMs: 100 })).toThrow(
      `version ${version}, not yet ${SCHEMA_VERSION}`,
    )
  })

  it('holds what a new one holds, table by table, and is sound', () => {
    const fresh = `${file}-fresh`
    openSqliteEngine({ file: fresh, durability: 'normal' }).close()
    const objects = (path: string) =>
      inFile(path, (database) =>
        database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all(),
      )
    expect(objects(file)).toEqual(objects(fresh))
    expect(inFile(file, (database) => database.pragma('user_version', { simple: true }))).toBe(
      SCHEMA_VERSION,
    )
    expect(inFile(file, (database) => database.pragma('integrity_check', { simple: true }))).toBe(
      'ok',
    )
  })

  it('keeps its epoch, channels, messages and their client ids', () => {
    expect(engine.epoch).toBe('epoch-of-2')
    expect(engine.channels().map(({ id }) => id)).toEqual([...CHANNEL_TYPES])
    for (const [index, type] of CHANNEL_TYPES.entries()) {
      expect(engine.channel(type)).toEqual({
        id: type,
        serverId: SERVER.id,
        type,
        name: `the ${type}`,
        topic: 't',
        metadata: { key: index + 1 },
        visibility: defaultVisibility(type),
        createdAt: 5,
        updatedAt: 6,
        participants: [
          { entityId: 'ann', isAgent: false },
          { entityId: 'bot', isAgent: true },
        ],
      })
      const texts = entriesOf(engine, type).map(
        (entry) => 'message' in entry && entry.message?.body,
      )
      expect(texts).toMatchObject([{ text: `${type} 1` }, { text: `${type} 2` }])
      const again = post(type, 'again', { authorId: AUTHOR, clientMessageId: 'client-2' })
      expect(apply(engine, again).outcome).toMatchObject({ seq: 2, isDuplicate: true })
      expect(apply(engine, post(type, 'next')).outcome.seq).toBe(3)
    }
    expect(engine.channel(DEAD)).toBeUndefined()
  })

  it('hides and shows its channels as new ones of their types are, and nobody owns them', () => {
    const open = CHANNEL_TYPES.filter((type) => defaultVisibility(type) === 'public')
    expect(engine.channels(undefined, 'eve').map(({ id }) => id)).toEqual(open)
    expect(engine.channels(undefined, 'ann').map(({ id }) => id)).toEqual([...CHANNEL_TYPES])
    for (const type of CHANNEL_TYPES) {
      const standing = { type, visibility: defaultVisibility(type), isOwner: false }
      expect(engine.standing(type, 'ann')).toEqual({ ...standing, isParticipant: true })
      expect(engine.standing(type, 'eve')).toEqual({ ...standing, isParticipant: false })
    }
    const outsider = { ...post('DM', 'x'), visibleTo: 'eve' }
    expect(refusal(engine, outsider)).toBe('CHANNEL_NOT_FOUND')
  })

  it('has its messages behind whoever opens an inbox, and the next one before it', () => {
    const agentId = 'bot'
    const { place = -1 } = apply(engine, { type: 'open-inbox', id: newId(), agentId }).outcome
    const query = { agentId, after: place, limit: 100 }
    expect(engine.inbox(query)).toEqual({ items: [], upTo: place, hasMore: false })
    expect(engine.inbox({ ...query, after: 0 }).items).toHaveLength(2 * CHANNEL_TYPES.length)
    expect(engine.failures(agentId, { limit: 9 })).toEqual([])
    apply(engine, post('GROUP', 'next'))
    expect(engine.inbox(query)).toMatchObject({ items: [{ message: { body: { text: 'next' } } }] })
  })

  it('has no streams, and takes some', () => {
    expect(engine.activeStreams()).toEqual([])
    const stream = openStream('GROUP', 'client-2', { message: { authorId: AUTHOR } })
    expect(apply(engine, stream).outcome).toMatchObject({ seq: 2, isDuplicate: true })
    apply(engine, openStream('GROUP', 'next'))
    expect(engine.activeStreams()).toMatchObject([{ channelId: 'GROUP', name: 'next' }])
  })

  it('counts who takes part already, and keeps all of them where fewer may', () => {
    const add = [{ entityId: 'eve', isAgent: false }]
    const change = { type: 'change-participants', channelId: 'GROUP', remove: [] } as const
    expect(refusal(engine, { ...change, id: newId(), add })).toBe('TOO_MANY_PARTICIPANTS')
    engine.close()
    engine = openSqliteEngine({ file, durability: 'normal', maxParticipants: 1 })
    expect(engine.channel('GROUP')?.participants).toHaveLength(2)
    apply(engine, names(['bot', 'ann']))
    expect(refusal(engine, names(['eve', 'ann']))).toBe('TOO_MANY_PARTICIPANTS')
    expect(refusal(engine, { ...change, id: newId(), add, remove: ['ann'] })).toBe(
      'TOO_MANY_PARTICIPANTS',
    )
    expect(engine.channel('GROUP')?.participants).toHaveLength(2)
    apply(engine, { ...change, id: newId(), add, remove: ['ann', 'bot'] })
    expect(engine.channel('GROUP')?.participants).toEqual(add)
    engine.close()
    engine = openSqliteEngine({ file, durability: 'normal', maxParticipants: 2 })
    const another = [{ entityId: 'max', isAgent: false }]
    apply(engine, { ...change, id: newId(), add: another })
    expect(refusal(engine, names(['eve', 'max', 'ann']))).toBe('TOO_MANY_PARTICIPANTS')
  })
})
