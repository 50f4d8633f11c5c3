import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { prepareReads } from '../../../src/log/sqlite/read-statements.ts'
import { SCHEMA_1 } from '../../../src/log/sqlite/schema.ts'
import { prepareWrites } from '../../../src/log/sqlite/write-statements.ts'

const database = new Database(':memory:')
database.exec(SCHEMA_1)
afterAll(() => database.close())

/** How SQLite goes about a statement, whatever its parameters are. */
function planOf(sql: string): string {
  const bound = sql.replaceAll(/:\w+|\?/g, '1')
  const steps = database.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${bound}`).all()
  return steps.map(({ detail }) => detail).join('\n')
}

const statements = Object.entries({ ...prepareReads(database), ...prepareWrites(database) })
  .map(([name, { source }]) => ({ name, source }))
  .filter(({ source }) => /entries|participants|channels.*ORDER BY/.test(source))

describe('the statement', () => {
  it.each(statements)('$name finds its rows through an index, in order', ({ source }) => {
    const plan = planOf(source)
    expect(plan).not.toMatch(/SCAN (entries|edit|participants)/)
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

it('finds a page of messages without stepping over what was erased', () => {
  expect(planOf(prepareReads(database).postings.source)).toContain('INDEX entries_shown')
})
