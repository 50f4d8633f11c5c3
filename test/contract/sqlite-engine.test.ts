import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import { describeEngine } from './engine.contract.ts'

describeEngine('SQLite', (now, maxParticipants) => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-engine-'))
  const engine = openSqliteEngine({
    file: join(directory, 'log.db'),
    durability: 'normal',
    now,
    ...(maxParticipants && { maxParticipants }),
  })
  const dispose = (): void => {
    engine.close()
    rmSync(directory, { recursive: true })
  }
  return { engine, dispose }
})
