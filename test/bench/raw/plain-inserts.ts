import { join } from 'node:path'
import { createClientKeyHash } from '../../../src/log/sqlite/client-key-hash.ts'
import { encodeId } from '../../../src/log/sqlite/id-codec.ts'
import { openWriterDatabase } from '../../../src/log/sqlite/open-database.ts'
import { POSTED } from '../../../src/log/sqlite/rows.ts'
import { prepareWrites } from '../../../src/log/sqlite/write-statements.ts'
import { Posts } from './posts.ts'
import { measureBatches } from './rate.ts'
import type { RatePlan } from './rate.ts'

const BATCH_ROWS = 100

/**
 * The simplest program that writes Parley's rows: its tables, indexes, settings and statement, and a loop
 * of `BEGIN`, a hundred inserts, `COMMIT` with an fsync. No rules, no answers, no processes.
 */
export function measurePlainInserts(plan: RatePlan): number {
  const database = openWriterDatabase(join(plan.dir, 'plain.db'), 'full')
  const { begin, commit, insertPosting } = prepareWrites(database)
  const insertKey = database.prepare('INSERT INTO client_keys (hash, place) VALUES (?, ?)')
  const hash = createClientKeyHash(0)
  const posts = new Posts()
  const channels = new Map<string, { readonly key: number; seq: number }>()
  const rate = measureBatches(plan, () => {
    const at = Date.now()
    begin.run()
    for (let index = 0; index < BATCH_ROWS; index += 1) {
      const { message } = posts.next()
      const { channelId, clientMessageId = '' } = message
      const channel = channels.get(channelId) ?? { key: channels.size + 1, seq: 0 }
      channels.set(channelId, channel)
      channel.seq += 1
      const ids = [encodeId(message.authorId), encodeId(clientMessageId)] as const
      const data = JSON.stringify(message.body)
      const { lastInsertRowid } = insertPosting.run(
        channel.key,
        channel.seq,
        encodeId(message.id),
        POSTED,
        at,
        ...ids,
        null,
        null,
        data,
      )
      const { authorId } = message
      insertKey.run(hash({ channelKey: channel.key, authorId, clientMessageId }), lastInsertRowid)
    }
    commit.run()
    return BATCH_ROWS
  })
  database.close()
  return rate
}
