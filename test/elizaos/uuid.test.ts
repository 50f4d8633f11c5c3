import { createUniqueUuid, stringToUuid } from '@elizaos/core'
import { describe, expect, it } from 'vitest'
import { ownUuid, uuidOf } from '../../src/elizaos/uuid.ts'

const AGENT = { agentId: '550e8400-e29b-41d4-a716-446655440001' } as const
const IDS = ['ann', 'a.b:c@d-e_f', 'AnN', '550e8400-e29b-41d4-a716-446655440000', AGENT.agentId]

describe('ids as elizaOS takes them', () => {
  it.each(IDS)('of %s are those that its core makes', (id) => {
    expect(uuidOf(id)).toBe(stringToUuid(id))
    expect(ownUuid(AGENT, id)).toBe(createUniqueUuid(AGENT as never, id))
  })

  it('are the same for every spelling of a UUID', () => {
    const id = '550E8400-E29B-41D4-A716-446655440000'
    expect(uuidOf(id)).toBe(id.toLowerCase())
    expect(ownUuid(AGENT, id)).toBe(ownUuid(AGENT, id.toLowerCase()))
  })
})
