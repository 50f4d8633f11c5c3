import { ReconnectingLink } from '../../ipc/reconnecting-link.ts'
import type { FeedConsumer } from '../../log/log.ts'
import { openRemoteLog } from '../../log/remote/remote-log.ts'
import type { RemoteLog } from '../../log/remote/remote-log.ts'
import { openSqliteReader } from '../../log/sqlite/sqlite-engine.ts'
import type { ChildContext } from './child.ts'
import { databaseFile } from '../database-file.ts'
import type { ChildStart } from '../messages.ts'
import type { ChildRole } from '../roles.ts'

/** Longest that a read may wait for a lock: the whole process stands still meanwhile. */
const READ_BUSY_TIMEOUT_MS = 250

/** The log as every process but the writer has it: changes over a link to the writer, reads from the file. */
export interface LinkedLog {
  readonly log: RemoteLog
  /** For what else the writer serves; started once everything that it brings has its place. */
  readonly link: ReconnectingLink
  readonly close: () => Promise<void>
}

/** What there has to be for it. */
export interface LinkedLogContext extends Pick<ChildContext, 'logger' | 'fail'> {
  readonly start: Pick<ChildStart, 'settings' | 'dataDir' | 'writerSocketPath' | 'id'>
}

export function openLinkedLog(
  { start, logger, fail }: LinkedLogContext,
  role: ChildRole,
  consumer: FeedConsumer,
): LinkedLog {
  const { settings, dataDir, writerSocketPath, id } = start
  const { maxPending, maxPendingBytes, appendTimeoutMs } = settings
  const link = new ReconnectingLink({ path: writerSocketPath, self: { role, id }, logger })
  const log = openRemoteLog({
    link,
    reader: openSqliteReader({
      file: databaseFile(dataDir),
      busyTimeoutMs: READ_BUSY_TIMEOUT_MS,
    }),
    consumer,
    limits: { maxPending, maxPendingBytes, appendTimeoutMs },
    logger,
    onDiverged: (reason) => {
      fail(new Error(reason))
    },
  })
  return {
    log,
    link,
    close: async () => {
      await log.close()
      await link.close()
    },
  }
}
