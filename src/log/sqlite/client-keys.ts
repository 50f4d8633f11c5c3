import type { Database, Statement } from 'better-sqlite3'
import type { ClientKey } from '../engine/store.ts'
import { createClientKeyHash } from './client-key-hash.ts'
import { decodeId } from './id-codec.ts'
import type { StoredId } from './id-codec.ts'
import type { EntryColumns } from './rows.ts'

export interface ClientKeyOptions {
  /**
   * Keys that gather in memory, twice at most, before they are stored in order. More: fewer pages for each,
   * some 60 bytes of memory for each, and a start that reads that many rows after a kill.
   */
  readonly maxGathered?: number
  /** What stands for a key, salted by default; keys may meet. */
  readonly hash?: (key: ClientKey) => number
}

const DEFAULT_MAX_GATHERED = 65_536

/** Keys stored for each one added while a generation settles: it is through when the next one is half full. */
const STORED_PER_ADDED = 2

/** A key and its hash, which is computed once for each row. */
export interface HashedKey {
  readonly key: ClientKey
  readonly hash: number
}

/** A generation of keys on its way to the table, in ascending order. */
interface Settling {
  readonly places: ReadonlyMap<number, number>
  readonly hashes: Float64Array
  /** Of `hashes`: everything before it is stored. */
  next: number
  /** Its last row. */
  readonly upTo: number
}

interface KeyColumns {
  readonly place: number
  readonly channel_key: number
  readonly author_id: StoredId
  readonly client_message_id: StoredId
}

interface Statements {
  readonly placesOf: Statement<[number], number>
  readonly entryAt: Statement<[number], EntryColumns>
  readonly store: Statement<[number, number], never>
  readonly saveUpTo: Statement<[string], never>
  readonly keysAfter: Statement<[number, number], KeyColumns>
}

/**
 * Which posting a client's own id names, for ever: the index by which a repeated message is found.
 *
 * Clients choose their ids at random, so an index that every insert changes at once costs a page for
 * each row, half of all that the log writes (measured: 10.1 KiB and 46 µs for each row against 4.6 KiB and
 * 28 µs without). So keys gather in memory and are stored a generation at a time, in order, where many
 * share a page; each commit takes a few of them along. The rows hold the keys as well: what had not been
 * stored when the process died is read from them.
 *
 * Invariant: every key of a committed row is in `#recent`, in `#settling` or in the table; all those of
 * rows up to `client_keys_upto` are in the table.
 */
export class ClientKeys {
  readonly #database: Database
  readonly #maxGathered: number
  readonly #statements: Statements
  readonly #hash: (key: ClientKey) => number
  #recent = new Map<number, number>()
  #settling: Settling | undefined
  /** What the open transaction did, to be undone with it. */
  #added: number[] = []
  #nextBefore = 0

  constructor(database: Database, options: ClientKeyOptions = {}) {
    this.#database = database
    this.#maxGathered = options.maxGathered ?? DEFAULT_MAX_GATHERED
    this.#statements = prepare(database)
    this.#hash = options.hash ?? createClientKeyHash(metaNumber(database, 'client_keys_salt'))
    this.#load(metaNumber(database, 'client_keys_upto'))
  }

  /** The key with what stands for it, for the other calls. */
  hashed(key: ClientKey): HashedKey {
    return { key, hash: this.#hash(key) }
  }

  /** The posting that the key names. */
  posting({ key, hash }: HashedKey): EntryColumns | undefined {
    return (
      this.#matching(key, this.#recent.get(hash)) ??
      this.#matching(key, this.#settling?.places.get(hash)) ??
      this.#stored(key, hash)
    )
  }

  /** Remembers the row of a key that names none yet. */
  add({ hash }: HashedKey, place: number): void {
    // Two keys that meet: memory holds the one, the table both.
    if (this.#recent.has(hash)) {
      this.#statements.store.run(hash, place)
      return
    }
    this.#recent.set(hash, place)
    this.#added.push(hash)
  }

  /** A transaction begins; it ends with `beforeCommit` and `committed`, or with `rolledBack`. */
  begun(): void {
    if (this.#settling === undefined && this.#recent.size >= this.#maxGathered) {
      this.#settling = settlingOf(this.#recent)
      this.#recent = new Map()
    }
    this.#nextBefore = this.#settling?.next ?? 0
  }

  /** Takes a few gathered keys along with the rows of the transaction. */
  beforeCommit(): void {
    this.#settle(this.#added.length * STORED_PER_ADDED)
  }

  committed(): void {
    this.#added = []
    if (this.#settling?.next === this.#settling?.hashes.length) this.#settling = undefined
  }

  rolledBack(): void {
    for (const hash of this.#added) this.#recent.delete(hash)
    this.#added = []
    if (this.#settling !== undefined) this.#settling.next = this.#nextBefore
  }

  #settle(count: number): void {
    const settling = this.#settling
    if (settling === undefined) return
    const end = Math.min(settling.next + count, settling.hashes.length)
    for (; settling.next < end; settling.next += 1) {
      const hash = settling.hashes[settling.next] ?? 0
      this.#statements.store.run(hash, settling.places.get(hash) ?? 0)
    }
    if (settling.next === settling.hashes.length) {
      this.#statements.saveUpTo.run(String(settling.upTo))
    }
  }

  #stored(key: ClientKey, hash: number): EntryColumns | undefined {
    for (const place of this.#statements.placesOf.all(hash)) {
      const row = this.#matching(key, place)
      if (row !== undefined) return row
    }
    return undefined
  }

  #matching(key: ClientKey, place: number | undefined): EntryColumns | undefined {
    if (place === undefined) return undefined
    const row = this.#statements.entryAt.get(place)
    return row !== undefined && isOf(key, row) ? row : undefined
  }

  /** Reads the keys that are only in their rows; whole generations but the last two are stored at once. */
  #load(upTo: number): void {
    let after = upTo
    for (;;) {
      const rows = this.#statements.keysAfter.all(after, this.#maxGathered)
      if (rows.length > 0 && this.#recent.size > 0) this.#age()
      for (const row of rows) this.add(this.hashed(keyOf(row)), row.place)
      this.#added = []
      after = rows.at(-1)?.place ?? after
      if (rows.length < this.#maxGathered) return
    }
  }

  #age(): void {
    if (this.#settling !== undefined) {
      this.#database.transaction(() => this.#settle(Number.POSITIVE_INFINITY)).immediate()
    }
    this.#settling = settlingOf(this.#recent)
    this.#recent = new Map()
  }
}

function prepare(database: Database): Statements {
  return {
    placesOf: database
      .prepare<[number], number>('SELECT place FROM client_keys WHERE hash = ?')
      .pluck(),
    entryAt: database.prepare('SELECT * FROM entries WHERE place = ?'),
    store: database.prepare(
      'INSERT INTO client_keys (hash, place) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    saveUpTo: database.prepare(`UPDATE meta SET value = ? WHERE name = 'client_keys_upto'`),
    keysAfter: database.prepare(
      `SELECT place, channel_key, author_id, client_message_id FROM entries
      WHERE place > ? AND client_message_id IS NOT NULL ORDER BY place LIMIT ?`,
    ),
  }
}

function settlingOf(places: ReadonlyMap<number, number>): Settling {
  let upTo = 0
  // They ascend as they were added.
  for (const place of places.values()) upTo = place
  return { places, hashes: Float64Array.from(places.keys()).toSorted(), next: 0, upTo }
}

function isOf(key: ClientKey, row: EntryColumns): boolean {
  return (
    row.channel_key === key.channelKey &&
    isSame(row.author_id, key.authorId) &&
    isSame(row.client_message_id, key.clientMessageId)
  )
}

function isSame(stored: StoredId | null, id: string): boolean {
  return stored !== null && decodeId(stored) === id
}

function keyOf({ channel_key, author_id, client_message_id }: KeyColumns): ClientKey {
  return {
    channelKey: channel_key,
    authorId: decodeId(author_id),
    clientMessageId: decodeId(client_message_id),
  }
}

function metaNumber(database: Database, name: string): number {
  const value = database.prepare('SELECT value FROM meta WHERE name = ?').pluck().get(name)
  if (typeof value !== 'string') throw new Error(`the database has no ${name}`)
  return Number(value)
}
