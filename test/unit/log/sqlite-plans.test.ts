import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { prepareInboxReads, prepareInboxWrites } from '../../../src/log/sqlite/inbox-statements.ts'
import { prepareReads } from '../../../src/log/sqlite/read-statements.ts'
import { prepareStreams } from '../../../src/log/sqlite/stream-statements.ts'
import { migrate } from '../../../src/log/sqlite/migrate.ts'
import { prepareWrites } from '../../../src/log/sqlite/write-statements.ts'

const database = new Database(':memory:')
migrate(database)
afterAll(() => database.close())

/** How SQLite goes about a statement, whatever its parameters are. */
function planOf(sql: string): string {
  const bound = sql.replaceAll(/:\w+|\?/g, '1')
  const steps = database.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${bound}`).all()
  return steps.map(({ detail }) => detail).join('\n')
}

/** Once at the start, of all there is. */
const WHOLE_TABLES: ReadonlySet<string> = new Set([
  'cursors',
  'passedOver',
  'allStreams',
  'streamCount',
])

const statements = Object.entries({
  ...prepareReads(database),
  ...prepareWrites(database),
  ...prepareInboxReads(database),
  ...prepareInboxWrites(database),
  ...prepareStreams(database),
})
  .map(([name, { source }]) => ({ name, source }))
  .filter(({ source }) =>
    /entries|participants|agent_(cursors|failures)|streams|channels.*ORDER BY/.test(source),
  )
  .filter(({ name }) => !WHOLE_TABLES.has(name))

describe('the statement', () => {
  it.each(statements)('$name finds its rows through an index, in order', ({ source }) => {
    const plan = planOf(source)
    expect(plan).not.toMatch(/SCAN (entries|edit|participants|failure|agent_|streams)/)
    if (!source.includes('OVER')) expect(plan).not.toContain('TEMP B-TREE')
  })
})

it.each(['channels', 'channelSizes'] as const)(
  'lists %s from the newest on, only live ones',
  (name) => {
    expect(planOf(prepareReads(database)[name].source)).toBe(
      'SCAN channels USING INDEX channels_listed',
    )
  },
)

it.each([
  ['everybodys', 'INDEX channels_public'],
  ['everybodysOfServer', 'INDEX channels_public_of_server (server_id=?)'],
  ['own', 'COVERING INDEX participants_entity (entity_id=?)'],
  ['ownOfServer', 'COVERING INDEX participants_entity (entity_id=?)'],
] as const)('lists the channels of %s without stepping over those of others', (name, index) => {
  const plan = planOf(prepareReads(database)[name].source)
  expect(plan).toContain(`USING ${index}`)
  expect(plan).not.toMatch(/TEMP B-TREE|SCAN channels$/m)
})

it('finds where an entity stands in a channel by two keys', () => {
  const plan = planOf(prepareReads(database).standing.source)
  expect(plan).toContain('SEARCH channels USING INDEX sqlite_autoindex_channels_1 (id=?)')
  expect(plan).toMatch(/SEARCH participants USING .*\(channel_key=\? AND entity_id=\?\)/)
})

it('looks into an inbox place by place, and at nothing of the places where the agent takes no part', () => {
  expect(planOf(prepareInboxReads(database).inbox.source).split('\n')).toEqual([
    'SEARCH entries USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
    'SEARCH participants USING INDEX sqlite_autoindex_participants_2 (channel_key=? AND entity_id=?)',
    'SEARCH channels USING INTEGER PRIMARY KEY (rowid=?)',
  ])
})

it.each([
  [
    'retried',
    'USING COVERING INDEX agent_failures_state (agent_id=? AND state=? AND place>? AND place<?)',
  ],
  ['failures', 'USING PRIMARY KEY (agent_id=? AND place<?)'],
  ['failureCount', 'USING COVERING INDEX agent_failures_state (agent_id=? AND state<?)'],
  [
    'cancelled',
    'USING COVERING INDEX agent_failures_state (agent_id=? AND state=? AND place>? AND place<?)',
  ],
  ['forgetCancelled', 'USING INDEX agent_failures_state (agent_id=? AND state=? AND place<?)'],
  ['failureOf', 'entries USING COVERING INDEX entries_id (id=?)'],
  ['eraseFailures', 'USING INDEX agent_failures_message (channel_key=? AND seq>? AND seq<?)'],
] as const)('finds the failures of %s without stepping over those of others', (name, index) => {
  const all = { ...prepareInboxReads(database), ...prepareInboxWrites(database) }
  expect(planOf(all[name].source)).toContain(index)
})

it.each(['streamNamed', 'removeStreamsOf'] as const)(
  'finds the streams of %s by their channel',
  (name) => {
    const plan = planOf(prepareStreams(database)[name].source)
    expect(plan).toContain('USING INDEX sqlite_autoindex_streams_2 (channel_key=?')
  },
)

it('finds a page of messages without stepping over what was erased', () => {
  expect(planOf(prepareReads(database).postings.source)).toContain('INDEX entries_shown')
})
