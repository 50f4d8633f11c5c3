import { join } from 'node:path'
import { openSqliteEngine } from '../../../src/log/sqlite/sqlite-engine.ts'
import { Posts } from './posts.ts'
import { measureBatches } from './rate.ts'
import type { RatePlan } from './rate.ts'

const BATCH_ROWS = 100

/** The engine alone: the rules of a post, the rows, and its answers, in batches of a hundred. */
export function measureEngine(plan: RatePlan): number {
  const engine = openSqliteEngine({ file: join(plan.dir, 'engine.db'), durability: 'full' })
  const posts = new Posts()
  const rate = measureBatches(plan, () => {
    for (const applied of engine.apply(posts.batch(BATCH_ROWS))) {
      if ('error' in applied) throw applied.error
    }
    return BATCH_ROWS
  })
  engine.close()
  return rate
}
