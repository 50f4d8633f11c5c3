import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import type { EntryKind } from '../../../src/protocol/model.ts'
import { decodeChannel, decodeEntry } from '../../../src/log/sqlite/rows.ts'
import type { ChannelColumns, EntryColumns } from '../../../src/log/sqlite/rows.ts'
import { shortened } from './journal.ts'
import { channelPath, restData } from './rest.ts'

/** One entry as it lies in the database file. */
export interface StoredEntry {
  readonly seq: number
  readonly id: string
  readonly kind: EntryKind
  readonly authorId?: string
  readonly clientMessageId?: string
  readonly messageSeq?: number
  /** A posting's text; null once it was erased, and for everything that is no posting. */
  readonly text: string | null
}

/** One message as REST lists it. */
export interface ListedMessage {
  readonly id: string
  readonly seq: number
  readonly authorId: string
  readonly content: string
}

/** What is true of a channel, from the two places that say so. */
export interface ChannelTruth {
  readonly channelId: string
  readonly epoch: string
  readonly isLive: boolean
  /** Ascending by `seq`. */
  readonly stored: readonly StoredEntry[]
  /** Ascending by `seq`. */
  readonly history: readonly ListedMessage[]
}

const PAGE_ROWS = 200
const SQLITE_MAGIC = 'SQLite format 3\0'

/** The log's file in a data directory, found by what is in it: its name is nobody's business here. */
function openLogFile(dataDir: string): Database.Database {
  const files = readdirSync(dataDir, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(dataDir, entry.name))
    .filter((file) => readFileSync(file).subarray(0, 16).toString('latin1') === SQLITE_MAGIC)
  for (const file of files) {
    const database = new Database(file, { readonly: true, fileMustExist: true })
    const hasEntries =
      database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'entries'").get() !== undefined
    if (hasEntries) return database
    database.close()
  }
  throw new Error(`no log database in ${dataDir}`)
}

interface StoredChannel {
  readonly isLive: boolean
  readonly entries: readonly StoredEntry[]
}

function textOf(data: string | null): string | null {
  if (data === null) return null
  const { text }: { readonly text?: string } = JSON.parse(data)
  return text === undefined ? null : shortened(text)
}

function readChannel(database: Database.Database, channelId: string): StoredChannel {
  const row = database
    .prepare<[string], ChannelColumns>('SELECT * FROM channels WHERE id = ?')
    .get(channelId)
  if (row === undefined) return { isLive: false, entries: [] }
  const channel = decodeChannel(row)
  const rows = database
    .prepare<[number], EntryColumns>('SELECT * FROM entries WHERE channel_key = ? ORDER BY seq')
    .all(channel.key)
  const entries = rows.map(decodeEntry).map(({ data, ...entry }): StoredEntry => {
    const isErased = entry.kind !== 'posted' || entry.seq <= channel.clearedSeq
    return Object.assign(entry, { text: isErased ? null : textOf(data) })
  })
  return { isLive: channel.isLive, entries }
}

interface Page<Row> {
  readonly messages: readonly Row[]
  readonly hasMore: boolean
}

function listed({ id, seq, authorId, content }: ListedMessage): ListedMessage {
  return { id, seq, authorId, content: shortened(content) }
}

/** All of a channel's history as REST lists it, page by page with `beforeSeq`, ascending. */
export async function historyRows<Row extends { readonly seq: number }>(
  url: string,
  channelId: string,
): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const oldest = rows.at(-1)
    const before = oldest === undefined ? '' : `&beforeSeq=${oldest.seq}`
    const { messages, hasMore } = await restData<Page<Row>>(url, {
      path: `${channelPath(channelId)}/messages?limit=${PAGE_ROWS}${before}`,
    })
    rows.push(...messages)
    // A page may be shorter than asked for: it is bounded in bytes as well.
    if (!hasMore) return rows.toReversed()
  }
}

/** The same, of each message what a journal keeps of it. */
export async function readHistory(url: string, channelId: string): Promise<ListedMessage[]> {
  const rows = await historyRows<ListedMessage>(url, channelId)
  return rows.map(listed)
}

/** Streams that are stored as going on. */
export function countStreams(dataDir: string): number {
  using database = disposable(openLogFile(dataDir))
  return Number(database.file.prepare('SELECT count(*) FROM streams').pluck().get())
}

/** What SQLite itself finds wrong with the log's file, row by row and index by index; nothing when it is sound. */
export function findDamage(dataDir: string): string[] {
  using database = disposable(openLogFile(dataDir))
  const rows = database.file.prepare<[], string>('PRAGMA integrity_check').pluck().all()
  return rows.filter((row) => row !== 'ok').map((row) => `integrity_check: ${row}`)
}

/** Reads both places. Nobody may be writing meanwhile, or they would differ without a fault. */
export async function readTruth(
  server: { readonly url: string; readonly dataDir: string },
  channels: Iterable<string>,
): Promise<ChannelTruth[]> {
  using database = disposable(openLogFile(server.dataDir))
  const epoch = String(
    database.file.prepare("SELECT value FROM meta WHERE name = 'epoch'").pluck().get(),
  )
  const truths: ChannelTruth[] = []
  for (const channelId of channels) {
    const history = await readHistory(server.url, channelId)
    const { isLive, entries } = readChannel(database.file, channelId)
    truths.push({ channelId, epoch, isLive, stored: entries, history })
  }
  return truths
}

function disposable(file: Database.Database): Disposable & { readonly file: Database.Database } {
  return {
    file,
    [Symbol.dispose]: () => {
      file.close()
    },
  }
}
