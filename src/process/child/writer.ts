import { join } from 'node:path'
import { listenLinks } from '../../ipc/listen.ts'
import { LogCore } from '../../log/core.ts'
import { LogServer } from '../../log/server.ts'
import { Checkpointer } from '../../log/sqlite/checkpointer.ts'
import { openSqliteEngine } from '../../log/sqlite/sqlite-engine.ts'
import { storageReason } from '../../log/sqlite/storage-errors.ts'
import { PresenceHub } from '../../signals/presence-hub.ts'
import { QuotaHub } from '../../signals/quota-hub.ts'
import type { ChildContext, RunningChild } from './child.ts'
import { databaseFile } from '../database-file.ts'
import { openFileLock } from '../file-lock.ts'
import type { PrimaryLink } from './primary-link.ts'
import { StorageWatch } from './storage-watch.ts'

function reportTo(link: PrimaryLink) {
  return (problems: readonly string[]): void => {
    void link.send({ parley: 'problems', problems })
  }
}

/**
 * Owns the write connection and serves the log, presence and quotas to the others.
 *
 * Its lock is its own, beside the primary's: the orphaned writer of a killed server may be in its last
 * commit while a new server starts. When storage fails the process ends, unanswered, and what its peers
 * still wait for they submit to the next one. A full disk is no such failure: changes are refused with
 * `STORAGE_FULL` until there is room.
 */
export async function composeWriter(context: ChildContext): Promise<RunningChild> {
  const { start, logger, fail } = context
  const { settings, dataDir } = start
  const lock = await openFileLock(join(dataDir, 'writer.lock'))
  const { durability, maxPending, maxPendingBytes, maxParticipants } = settings
  const file = databaseFile(dataDir)
  const engine = openSqliteEngine({ file, durability, maxParticipants, logger })
  const failed = (error: unknown): void => {
    fail(new Error(`storage failed: ${storageReason(error)}`, { cause: error }))
  }
  const checkpointer = new Checkpointer({ file, onFailure: failed })
  const watch = new StorageWatch({ directory: dataDir, logger, report: reportTo(context.link) })
  const core = new LogCore({
    engine,
    limits: { maxPending, maxPendingBytes },
    logger,
    onFailure: failed,
    onStorageFull: (error) => {
      watch.full(error)
    },
  })
  core.start()
  const server = new LogServer({ core, logger })
  const presence = new PresenceHub()
  const quotas = new QuotaHub()
  const links = await listenLinks({
    path: start.writerSocketPath,
    self: { role: 'writer', id: start.id },
    onLink: (link) => {
      server.serve(link)
      // Who is there and how much they do is the gateways' business.
      if (link.peer.role === 'agent-host') return
      presence.serve(link)
      quotas.serve(link)
    },
    logger,
  })
  return {
    connectionCount: () => 0,
    drain: async () => {
      core.close()
      watch.close()
      await links.close()
      presence.close()
      await checkpointer.close()
      // The last connection to close checkpoints: what is left is one file.
      engine.close()
      lock.close()
    },
  }
}
