import { describe, expect, it } from 'vitest'
import { idSchema, isId } from '../../../src/protocol/ids.ts'
import { describeIssues, sendSchema } from '../../../src/protocol/schemas.ts'

const room = { channelId: 'room', message: 'hi' }

describe('metadata on the socket', () => {
  it.each([[[]], ['x'], [Buffer.from('x')], [{ blob: Buffer.from('x') }]])(
    'is a plain object, and %j is refused with one reason',
    (metadata) => {
      const { error } = sendSchema.safeParse({ ...room, metadata })
      expect(error?.issues).toHaveLength(1)
      expect(error && describeIssues(error)).toContain('metadata: must be plain JSON')
    },
  )
})

describe('an id', () => {
  it.each(['.', '..', '...', '', 'a/b', 'a b', 'a'.repeat(129)])('is not %j', (id) => {
    expect(isId(id)).toBe(false)
    expect(idSchema.safeParse(id).success).toBe(false)
  })

  it.each(['a.', '.a', '..a..', '-', 'a.b_c:d@e-F', 'a'.repeat(128)])('is %j', (id) => {
    expect(isId(id)).toBe(true)
    expect(idSchema.safeParse(id).success).toBe(true)
  })
})
