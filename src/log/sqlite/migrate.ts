import { randomInt, randomUUID } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5 } from './schema.ts'

/** Step `n` turns version `n` into `n + 1`. A released step never changes; a change is a new step. */
const STEPS: readonly ((database: Database) => void)[] = [
  (database) => {
    database.exec(SCHEMA_1)
    database.prepare(`INSERT INTO meta (name, value) VALUES ('epoch', ?)`).run(randomUUID())
  },
  (database) => {
    database.exec(SCHEMA_2)
    const salt = String(randomInt(2 ** 32))
    database.prepare(`INSERT INTO meta (name, value) VALUES ('client_keys_salt', ?)`).run(salt)
  },
  (database) => {
    database.exec(SCHEMA_3)
  },
  (database) => {
    database.exec(SCHEMA_4)
  },
  (database) => {
    database.exec(SCHEMA_5)
  },
]

/** The version that this release reads and writes. */
export const SCHEMA_VERSION = STEPS.length

/** `PLEY`: tells a Parley database from any other SQLite file. */
const APPLICATION_ID = 0x504c4559

/**
 * The version of an opened file; 0 for an empty one.
 *
 * @throws when it is no Parley database, is damaged, or was written by a newer release.
 */
export function checkIdentity(database: Database): number {
  const applicationId = pragmaNumber(database, 'application_id')
  const version = pragmaNumber(database, 'user_version')
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  const isEmpty = applicationId === 0 && version === 0 && tables === 0
  if (!isEmpty && applicationId !== APPLICATION_ID) {
    throw new Error(
      'the file is a database of another program: move it away or set PARLEY_DATA_DIR to another directory',
    )
  }
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `the database has version ${version}, this release knows ${SCHEMA_VERSION}: start a newer release, or restore a backup of this one`,
    )
  }
  return version
}

/** Brings the file to `SCHEMA_VERSION` in one transaction: a crash leaves the old version. */
export function migrate(database: Database): void {
  const run = database.transaction(() => {
    const version = checkIdentity(database)
    if (version === SCHEMA_VERSION) return
    for (const step of STEPS.slice(version)) step(database)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${SCHEMA_VERSION}`)
  })
  run.immediate()
}

function pragmaNumber(database: Database, name: string): number {
  return Number(database.pragma(name, { simple: true }))
}
