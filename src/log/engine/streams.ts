import type { MessageBody } from '../../protocol/model.ts'
import type { StoredStream } from '../engine.ts'
import type { WriteStore } from './store.ts'
import type { StreamRecord } from './stream-store.ts'

/** All streams that go on, as the writer's memory begins with them. */
export function streamsOf(store: WriteStore): readonly StoredStream[] {
  return store.streams.all().map((record) => storedOf(store, record))
}

function storedOf(store: WriteStore, record: StreamRecord): StoredStream {
  const channel = store.channelByKey(record.channelKey)
  if (channel === undefined) throw new Error(`stream ${record.id} belongs to no channel`)
  const { answers } = record
  return {
    messageId: record.id,
    channelId: channel.id,
    serverId: channel.serverId,
    agentId: record.authorId,
    name: record.name,
    owner: record.owner,
    ...(answers !== undefined && { answers }),
    isCancelled: record.isCancelled,
    body: streamBodyOf(record),
    text: record.text,
  }
}

/** The store holds only what was a body, so the JSON is one. */
export function streamBodyOf({ body }: Pick<StreamRecord, 'body'>): MessageBody {
  return JSON.parse(body)
}
