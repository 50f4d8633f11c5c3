import type { Database } from 'better-sqlite3'
import type { ClientKey } from '../engine/store.ts'
import type { StreamRecord, StreamStore } from '../engine/stream-store.ts'
import { prepareStreams } from './stream-statements.ts'
import type { StreamColumns, StreamStatements } from './stream-statements.ts'

/** The streams that go on, over the writer's connection. Only their number is cached. */
export class SqliteStreams implements StreamStore {
  readonly #statements: StreamStatements
  /** Undefined until somebody asks, and after a rollback. */
  #count: number | undefined

  constructor(database: Database) {
    this.#statements = prepareStreams(database)
  }

  count(): number {
    this.#count ??= this.#statements.streamCount.get() ?? 0
    return this.#count
  }

  /** What the transaction did is undone. */
  rolledBack(): void {
    this.#count = undefined
  }

  all(): readonly StreamRecord[] {
    return this.#statements.allStreams.all().map((columns) => decodeStream(columns))
  }

  stream(id: string): StreamRecord | undefined {
    const columns = this.#statements.stream.get(id)
    return columns && decodeStream(columns)
  }

  named({ channelKey, authorId, clientMessageId }: ClientKey): StreamRecord | undefined {
    const columns = this.#statements.streamNamed.get(channelKey, authorId, clientMessageId)
    return columns && decodeStream(columns)
  }

  insert(stream: StreamRecord): void {
    this.#statements.insertStream.run({
      id: stream.id,
      channel_key: stream.channelKey,
      author_id: stream.authorId,
      name: stream.name,
      owner: stream.owner,
      answers: stream.answers ?? null,
      is_cancelled: stream.isCancelled ? 1 : 0,
      body: stream.body,
      text: stream.text,
    })
    if (this.#count !== undefined) this.#count += 1
  }

  saveText(id: string, text: string): void {
    this.#statements.saveStreamText.run(text, id)
  }

  cancel(id: string): void {
    this.#statements.cancelStream.run(id)
  }

  remove(id: string): void {
    this.#counted(this.#statements.removeStream.run(id).changes)
  }

  removeOfChannel(channelKey: number): void {
    this.#counted(this.#statements.removeStreamsOf.run(channelKey).changes)
  }

  #counted(removed: number): void {
    if (this.#count !== undefined) this.#count -= removed
  }
}

function decodeStream(columns: StreamColumns): StreamRecord {
  const { answers } = columns
  return {
    id: columns.id,
    channelKey: columns.channel_key,
    authorId: columns.author_id,
    name: columns.name,
    owner: columns.owner,
    ...(answers !== null && { answers }),
    isCancelled: columns.is_cancelled === 1,
    body: columns.body,
    text: columns.text,
  }
}
