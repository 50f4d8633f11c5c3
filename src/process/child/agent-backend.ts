import { ReconnectingLink } from '../../ipc/reconnecting-link.ts'
import type { FeedConsumer } from '../../log/log.ts'
import { openRemoteLog } from '../../log/remote/remote-log.ts'
import type { RemoteLog } from '../../log/remote/remote-log.ts'
import { openSqliteReader } from '../../log/sqlite/sqlite-engine.ts'
import type { Ephemeral } from '../../protocol/model.ts'
import type { ChildContext } from './child.ts'
import { databaseFile } from '../database-file.ts'

/** Longest that a read may wait for a lock. */
const READ_BUSY_TIMEOUT_MS = 250

/** What a host is told of. */
export interface AgentNews {
  /** There may be messages for agents. */
  onCommitted(): void
  onJoined(frame: Extract<Ephemeral, { readonly kind: 'joined' }>): void
}

/** An agent host's log, over a link to the writer. It follows no channel: agents read what is for them. */
export interface AgentBackend {
  readonly log: RemoteLog
  start(): void
  close(): Promise<void>
}

export function openAgentBackend(context: ChildContext, news: AgentNews): AgentBackend {
  const { start, logger, fail } = context
  const { settings, dataDir, writerSocketPath, id } = start
  const { maxPending, maxPendingBytes, appendTimeoutMs } = settings
  const link = new ReconnectingLink({
    path: writerSocketPath,
    self: { role: 'agent-host', id },
    logger,
  })
  const consumer: FeedConsumer = {
    onEntries: () => undefined,
    onEphemeral: (frame) => {
      if (frame.kind === 'joined') news.onJoined(frame)
    },
    onCommitted: () => {
      news.onCommitted()
    },
  }
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
    start: () => {
      link.start()
    },
    close: async () => {
      await log.close()
      await link.close()
    },
  }
}
