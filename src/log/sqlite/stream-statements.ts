import type { Database, Statement } from 'better-sqlite3'

/** Named parameters of a stream's row, and the row. */
export interface StreamColumns {
  readonly id: string
  readonly channel_key: number
  readonly author_id: string
  readonly name: string
  readonly owner: string
  readonly answers: string | null
  readonly is_cancelled: number
  readonly body: string
  readonly text: string
}

type Change<Parameters extends unknown[]> = Statement<Parameters, never>

export interface StreamStatements {
  readonly streamCount: Statement<[], number>
  readonly allStreams: Statement<[], StreamColumns>
  readonly stream: Statement<[string], StreamColumns>
  readonly streamNamed: Statement<[number, string, string], StreamColumns>
  readonly insertStream: Change<[StreamColumns]>
  readonly saveStreamText: Change<[string, string]>
  readonly cancelStream: Change<[string]>
  readonly removeStream: Change<[string]>
  readonly removeStreamsOf: Change<[number]>
}

export function prepareStreams(database: Database): StreamStatements {
  return {
    streamCount: database.prepare<[], number>('SELECT count(*) FROM streams').pluck(),
    allStreams: database.prepare('SELECT * FROM streams ORDER BY id'),
    stream: database.prepare('SELECT * FROM streams WHERE id = ?'),
    streamNamed: database.prepare(
      'SELECT * FROM streams WHERE channel_key = ? AND author_id = ? AND name = ?',
    ),
    insertStream: database.prepare(`INSERT INTO streams (id, channel_key, author_id, name, owner,
        answers, is_cancelled, body, text)
      VALUES (:id, :channel_key, :author_id, :name, :owner, :answers, :is_cancelled, :body, :text)`),
    saveStreamText: database.prepare('UPDATE streams SET text = ? WHERE id = ?'),
    cancelStream: database.prepare('UPDATE streams SET is_cancelled = 1 WHERE id = ?'),
    removeStream: database.prepare('DELETE FROM streams WHERE id = ?'),
    removeStreamsOf: database.prepare('DELETE FROM streams WHERE channel_key = ?'),
  }
}
