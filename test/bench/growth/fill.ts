import { closeSync, fsyncSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { createClientKeyHash } from '../../../src/log/sqlite/client-key-hash.ts'
import { decodeId } from '../../../src/log/sqlite/id-codec.ts'
import { openSqliteEngine } from '../../../src/log/sqlite/sqlite-engine.ts'
import { POSTED } from '../../../src/log/sqlite/rows.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { newId } from '../../../src/util/new-id.ts'

export interface FillPlan {
  readonly file: string
  readonly channelCount: number
  /** Messages, dealt to the channels in turn. */
  readonly rowCount: number
}

const CHANNELS_PER_BATCH = 500
const AUTHOR_COUNT = 997
const TEXT_CHARS = 100
const SORT_CACHE_KIB = 262_144

/** The id of the channel with this number, from 0. */
export const channelIdOf = (index: number): string => `growth-${index}`

function createChannels({ file, channelCount }: FillPlan): void {
  const engine = openSqliteEngine({ file, durability: 'normal' })
  for (let from = 0; from < channelCount; from += CHANNELS_PER_BATCH) {
    const count = Math.min(CHANNELS_PER_BATCH, channelCount - from)
    const commands = Array.from({ length: count }, (_, index) => ({
      type: 'create-channel' as const,
      id: newId(),
      channel: {
        id: channelIdOf(from + index),
        serverId: DEFAULT_SERVER_ID,
        name: `Channel ${from + index}`,
        type: 'GROUP' as const,
        metadata: {},
        participants: [],
      },
    }))
    for (const applied of engine.apply(commands)) if ('error' in applied) throw applied.error
  }
  engine.close()
}

/**
 * Ids begin with the row's time, as UUIDv7 do; what the clients chose is random, as elizaOS's clients do.
 * JavaScript's numbers arrive as floating point, by which a division would leave fractions: hence the casts.
 */
const INSERT_ROWS = `
  WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rowCount)
  INSERT INTO entries (channel_key, seq, id, kind, at, author_id, client_message_id, data)
  SELECT i % n_channels + 1, i / n_channels + 1,
    unhex(printf('%012x7000', first_at + i)) || randomblob(8), ${POSTED}, first_at + i,
    unhex(printf('%032x', i % ${AUTHOR_COUNT})), randomblob(16), :data
  FROM n, (SELECT CAST(:channelCount AS INTEGER) AS n_channels, CAST(:firstAt AS INTEGER) AS first_at)`

/** The keys of the clients' ids, all of them where the log stores them sooner or later. */
function storeClientKeys(database: Database.Database): void {
  const salt = database
    .prepare(`SELECT value FROM meta WHERE name = 'client_keys_salt'`)
    .pluck()
    .get()
  const hash = createClientKeyHash(Number(salt))
  database.function('client_key_hash', (channelKey, author, client) =>
    hash({
      channelKey: Number(channelKey),
      authorId: decodeId(bytesOf(author)),
      clientMessageId: decodeId(bytesOf(client)),
    }),
  )
  database.exec(`INSERT INTO client_keys (hash, place)
    SELECT CAST(client_key_hash(channel_key, author_id, client_message_id) AS INTEGER), place FROM entries
    ORDER BY 1`)
  database.exec(
    `UPDATE meta SET value = (SELECT max(place) FROM entries) WHERE name = 'client_keys_upto'`,
  )
}

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value
  throw new TypeError('the filled rows have ids of 16 bytes')
}

/** Else the kernel would still be writing gigabytes while the first commits wait for their fsync. */
function flush(file: string): void {
  const descriptor = openSync(file, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

/**
 * A history as the log would hold it after as many posts, written straight into its tables: first all rows,
 * then the indexes, each sorted once. The file is a valid log with nobody connected.
 */
export function fillLog(plan: FillPlan): void {
  createChannels(plan)
  const database = new Database(plan.file)
  // The file is thrown away when this fails, so nothing has to be undone.
  database.pragma('journal_mode = OFF')
  database.pragma('synchronous = OFF')
  database.pragma(`cache_size = -${SORT_CACHE_KIB}`)
  const indexes = database
    .prepare<[], { name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'entries' AND sql NOT NULL`,
    )
    .all()
  for (const { name } of indexes) database.exec(`DROP INDEX ${name}`)
  database.prepare(INSERT_ROWS).run({
    rowCount: plan.rowCount,
    channelCount: plan.channelCount,
    firstAt: Date.now() - plan.rowCount,
    data: JSON.stringify({
      text: 'parley '.repeat(TEXT_CHARS).slice(0, TEXT_CHARS),
      senderName: 'Load',
      source: 'socketio_client',
      attachments: [],
      metadata: {},
    }),
  })
  for (const { sql } of indexes) database.exec(sql)
  storeClientKeys(database)
  database.pragma('journal_mode = WAL')
  database.close()
  flush(plan.file)
}
