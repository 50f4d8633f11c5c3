import { join } from 'node:path'
import { listenLinks } from '../../../src/ipc/listen.ts'
import { LogCore } from '../../../src/log/core.ts'
import { LogServer } from '../../../src/log/server.ts'
import { openSqliteEngine } from '../../../src/log/sqlite/sqlite-engine.ts'
import { newId } from '../../../src/util/new-id.ts'

/**
 * The writer process without presence and supervision, for `measureRemoteLog`.
 *
 * Usage: node log-writer.js <directory>; says `ready` over IPC and ends with the parent.
 */
const dir = process.argv[2] ?? '.'
const core = new LogCore({
  engine: openSqliteEngine({ file: join(dir, 'remote.db'), durability: 'full' }),
  onFailure: (error) => {
    throw error
  },
})
const server = new LogServer({ core })
await listenLinks({
  path: join(dir, 'writer', 'log.sock'),
  self: { role: 'writer', id: newId() },
  onLink: (link) => {
    server.serve(link)
  },
})
process.on('disconnect', () => {
  // Its data goes with the benchmark's directory.
  process.kill(process.pid, 'SIGKILL')
})
process.send?.('ready')
