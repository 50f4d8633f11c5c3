import { expect, it } from 'vitest'
import { createMemoryEngine } from '../../src/log/memory/memory-engine.ts'
import { describeEngine } from './engine.contract.ts'

describeEngine('memory', (now, maxParticipants) => {
  const engine = createMemoryEngine({ now, ...(maxParticipants && { maxParticipants }) })
  return { engine, dispose: () => engine.close() }
})

it('takes the epoch that it is given, else a new one', () => {
  expect(createMemoryEngine({ epoch: 'e' }).epoch).toBe('e')
  expect(createMemoryEngine().epoch).not.toBe(createMemoryEngine().epoch)
})
