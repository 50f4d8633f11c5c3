import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import type { Statement } from 'better-sqlite3'
import type { ChannelLog, Command, Outcome } from '../../../src/log/log.ts'
import { defaultVisibility } from '../../../src/protocol/model.ts'
import type { ChannelDetails, Message } from '../../../src/protocol/model.ts'

type Post = Extract<Command, { type: 'post' }>
type Create = Extract<Command, { type: 'create-channel' }>
type MessageValues = [string, string, string, string, number]

/** Milliseconds that one of several writing processes waits for the others. */
const BUSY_TIMEOUT_MS = 10_000

/** The part of `ChannelLog` that the measured routes use; everything else is refused. */
type PeerLog = Pick<ChannelLog, 'append' | 'channel'>

export function createPeerDatabase(file: string): void {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(`
    CREATE TABLE channel (id TEXT PRIMARY KEY, details TEXT);
    CREATE TABLE message (
      id TEXT PRIMARY KEY, channel_id TEXT, sender_id TEXT, body TEXT, created_at INTEGER
    );
    CREATE INDEX message_channel ON message (channel_id, created_at)
  `)
  database.close()
}

/**
 * What stands behind the routes in the peer's arrangement: one insert for each message into the SQLite
 * file that all processes share, at NORMAL. No numbers, no feed, no recognition of repeated messages.
 */
class SharedFileLog implements PeerLog {
  readonly #insertMessage: Statement<MessageValues>
  readonly #insertChannel: Statement<[string, string]>
  readonly #selectChannel: Statement<[string], { readonly details: string }>

  constructor(file: string) {
    const database = new Database(file, { timeout: BUSY_TIMEOUT_MS })
    database.pragma('synchronous = NORMAL')
    this.#insertMessage = database.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?)')
    this.#insertChannel = database.prepare('INSERT INTO channel VALUES (?, ?)')
    this.#selectChannel = database.prepare('SELECT details FROM channel WHERE id = ?')
  }

  async append(command: Command): Promise<Outcome> {
    if (command.type === 'post') return this.#post(command)
    if (command.type === 'create-channel') return this.#create(command)
    throw new Error(`the peer knows no ${command.type}`)
  }

  async channel(channelId: string): Promise<ChannelDetails | undefined> {
    const row = this.#selectChannel.get(channelId)
    return row && (JSON.parse(row.details) as ChannelDetails)
  }

  #post({ message: draft, expectedServerId }: Post): Outcome {
    const now = Date.now()
    const message: Message = {
      ...draft,
      serverId: expectedServerId ?? '',
      seq: 0,
      createdAt: now,
      updatedAt: now,
    }
    const { authorId, channelId, body } = draft
    // As a user would write it: random ids, as the elizaOS server makes them.
    this.#insertMessage.run(randomUUID(), channelId, authorId, JSON.stringify(body), now)
    return { message }
  }

  #create({ channel: draft }: Create): Outcome {
    const now = Date.now()
    const { visibility = defaultVisibility(draft.type) } = draft
    const channel: ChannelDetails = { ...draft, visibility, createdAt: now, updatedAt: now }
    this.#insertChannel.run(channel.id, JSON.stringify(channel))
    return { channel }
  }
}

/** The log for the REST app; a route that needs more of it than the measured ones fails. */
export function openPeerLog(file: string): ChannelLog {
  return new SharedFileLog(file) as PeerLog as ChannelLog
}
