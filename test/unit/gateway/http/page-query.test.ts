import { describe, expect, it } from 'vitest'
import { messageQuery, pageQuery } from '../../../../src/gateway/http/page-query.ts'

const read = (query: Record<string, string>) => messageQuery('room', pageQuery.parse(query))

describe('a page of messages', () => {
  it('has 50 rows when nobody says otherwise', () => {
    expect(read({})).toEqual({ channelId: 'room', limit: 50 })
  })

  it.each([
    ['0', 0],
    ['500', 500],
    ['501', 500],
    ['100000', 500],
  ])('limit %s means %d', (limit, rows) => expect(read({ limit }).limit).toBe(rows))

  const date = new Date(1_767_323_045_000)

  it.each([String(date.getTime()), date.toISOString(), String(date), '2026-01-02T04:04:05+01:00'])(
    'reads the time %s',
    (before) =>
      expect(read({ before, after: before })).toMatchObject({
        beforeMs: date.getTime(),
        afterMs: date.getTime(),
      }),
  )

  it('reads sequence bounds', () => {
    expect(read({ beforeSeq: '9', afterSeq: '0' })).toMatchObject({ beforeSeq: 9, afterSeq: 0 })
  })

  it.each([
    { limit: 'abc' },
    { limit: '-1' },
    { limit: '1.5' },
    { limit: '' },
    { before: 'abc' },
    { before: 'abc 1' },
    { before: '2026-13-45' },
    { after: '-5' },
    { beforeSeq: '1e3' },
    { afterSeq: '9'.repeat(16) },
  ])('refuses %j', (query) => expect(pageQuery.safeParse(query).success).toBe(false))
})
