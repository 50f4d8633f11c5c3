import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openSqliteEngine, openSqliteReader } from '../../src/log/sqlite/sqlite-engine.ts'
import { newId } from '../../src/util/new-id.ts'
import { channelIdOf, fillLog } from '../bench/growth/fill.ts'
import { databaseIn, temporaryDirectory } from './support/remote.ts'

const CHANNELS = 7
const ROWS = 1_000
const LAST = CHANNELS - 1
/** Of the last channel: the rows are dealt in turn. */
const LAST_SEQ = Math.floor(ROWS / CHANNELS)

const directory = temporaryDirectory()
const file = databaseIn(directory.path)
beforeAll(() => {
  fillLog({ file, channelCount: CHANNELS, rowCount: ROWS })
})
afterAll(() => {
  directory.remove()
})

/** What the migrations make, by name. */
function objectsOf(path: string): readonly unknown[] {
  const database = new Database(path, { readonly: true })
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all()
  database.close()
  return rows
}

it('the benchmark fills a log that is sound and has every table and index of a real one', () => {
  const real = `${file}-real`
  openSqliteEngine({ file: real, durability: 'normal' }).close()
  expect(objectsOf(file)).toEqual(objectsOf(real))
  const database = new Database(file, { readonly: true })
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
  database.close()
})

it('every channel of it has its numbers without holes, each with a message', () => {
  const reader = openSqliteReader({ file, busyTimeoutMs: 250 })
  const heads = Array.from({ length: CHANNELS }, (_, index) => reader.head(channelIdOf(index)))
  expect(heads.reduce((sum, head) => sum + head, 0)).toBe(ROWS)
  const channelId = channelIdOf(LAST)
  const entries = reader.entries({ channelId, after: 0, upTo: LAST_SEQ, limit: ROWS })
  expect(entries.map(({ seq }) => seq)).toEqual(
    Array.from({ length: LAST_SEQ }, (_, index) => index + 1),
  )
  const page = reader.messages({ channelId, limit: 5, beforeSeq: 10 })
  expect(page.messages.map(({ seq, body }) => [seq, body.text.length])).toEqual(
    [9, 8, 7, 6, 5].map((seq) => [seq, 100]),
  )
  reader.close()
})

it('the log goes on from there', () => {
  const engine = openSqliteEngine({ file, durability: 'normal' })
  const id = newId()
  const message = {
    id,
    channelId: channelIdOf(LAST),
    authorId: 'alice',
    body: { text: 'next', source: 'test' },
  }
  const [applied] = engine.apply([{ type: 'post', id, message }])
  expect(applied).toMatchObject({ outcome: { seq: LAST_SEQ + 1 } })
  const [filled] = engine.messages({
    channelId: channelIdOf(LAST),
    limit: 1,
    beforeSeq: 10,
  }).messages
  const { authorId = '', clientMessageId = '' } = filled ?? {}
  const again = { ...message, id: newId(), authorId, clientMessageId }
  const [repeated] = engine.apply([{ type: 'post', id: again.id, message: again }])
  expect(repeated).toMatchObject({ outcome: { isDuplicate: true, seq: 9 } })
  engine.close()
})
