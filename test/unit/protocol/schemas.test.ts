import { describe, expect, it } from 'vitest'
import { idSchema, isId } from '../../../src/protocol/ids.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { describeIssues, joinSchema, sendSchema } from '../../../src/protocol/schemas.ts'

const room = { channelId: 'room', message: 'hi' }

/** An object whose JSON takes so many bytes, in letters of two each. */
function metadataOf(bytes: number) {
  const rest = bytes - JSON.stringify({ words: '' }).length
  return { words: 'é'.repeat(Math.floor(rest / 2)) + 'x'.repeat(rest % 2) }
}

describe('metadata on the socket', () => {
  it.each([joinSchema, sendSchema])('is bounded in bytes, not in letters', (schema) => {
    const within = { ...room, metadata: metadataOf(LIMITS.maxMetadataBytes) }
    expect(schema.safeParse(within).success).toBe(true)
    const over = { ...room, metadata: metadataOf(LIMITS.maxMetadataBytes + 1) }
    const { error } = schema.safeParse(over)
    expect(error && describeIssues(error)).toBe('metadata: must be at most 65536 bytes of JSON')
  })

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
