import { LogCore } from '../../src/log/core.ts'
import type { LogEngine } from '../../src/log/engine.ts'
import { LocalLog } from '../../src/log/local.ts'
import { createMemoryEngine } from '../../src/log/memory/memory-engine.ts'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import { describeLog } from './log.contract.ts'
import type { FixtureLimits, LogFixture } from './log.contract.ts'
import { databaseIn, temporaryDirectory } from './support/remote.ts'

function onFailure(error: unknown): never {
  throw error
}

function localFixture(engine: LogEngine, limits: FixtureLimits): LogFixture {
  const core = new LogCore({ engine, limits, onFailure })
  return {
    open: async (consumer) => new LocalLog(core, consumer),
    dispose: async () => {
      core.close()
      engine.close()
    },
  }
}

describeLog('LocalLog in memory', async (limits) => localFixture(createMemoryEngine(), limits))

describeLog('LocalLog on SQLite', async (limits) => {
  const directory = temporaryDirectory()
  const file = databaseIn(directory.path)
  const fixture = localFixture(openSqliteEngine({ file, durability: 'normal' }), limits)
  return {
    open: (consumer) => fixture.open(consumer),
    dispose: async () => {
      await fixture.dispose()
      directory.remove()
    },
  }
})
