import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/util/new-id.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a new id', () => {
  it('is a UUID of version 7 and the RFC’s variant', () => {
    for (let index = 0; index < 1_000; index += 1) expect(newId()).toMatch(UUID_V7)
  })

  it('carries the time at which it was made', () => {
    const before = Date.now()
    const id = newId()
    const madeAt = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
    expect(madeAt).toBeGreaterThanOrEqual(before)
    expect(madeAt).toBeLessThanOrEqual(Date.now())
  })

  it('is never made twice', () => {
    const ids = Array.from({ length: 100_000 }, newId)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
