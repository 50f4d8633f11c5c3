import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenLinks } from '../../../src/ipc/listen.ts'
import type { LinkServer } from '../../../src/ipc/listen.ts'
import type { LinkLimits } from '../../../src/ipc/link.ts'
import { ReconnectingLink } from '../../../src/ipc/reconnecting-link.ts'
import { LogCore } from '../../../src/log/core.ts'
import type { LogCoreOptions } from '../../../src/log/core.ts'
import type { LogReader } from '../../../src/log/engine.ts'
import type { FeedConsumer } from '../../../src/log/log.ts'
import type { AppendLimits } from '../../../src/log/remote/append-queue.ts'
import { openRemoteLog } from '../../../src/log/remote/remote-log.ts'
import type { RemoteLog } from '../../../src/log/remote/remote-log.ts'
import { LogServer } from '../../../src/log/server.ts'
import { openSqliteEngine, openSqliteReader } from '../../../src/log/sqlite/sqlite-engine.ts'
import type { Logger } from '../../../src/telemetry/logger.ts'
import { newId } from '../../../src/util/new-id.ts'

/** A directory for one test, removed with it. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'parley-log-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export const databaseIn = (directory: string): string => join(directory, 'log.db')
export const socketIn = (directory: string): string => join(directory, 'writer.sock')

interface WriterOptions {
  readonly directory: string
  readonly limits?: LogCoreOptions['limits']
  readonly linkLimits?: Partial<LinkLimits>
  readonly protocol?: number
  readonly maxFrameBytes?: number
}

export interface Writer {
  readonly core: LogCore
  readonly links: LinkServer
  close(): Promise<void>
}

/** The writer's side as the writer process builds it, in this process. */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const { directory, limits, linkLimits, protocol, maxFrameBytes } = options
  const engine = openSqliteEngine({ file: databaseIn(directory), durability: 'normal' })
  const core = new LogCore({
    engine,
    ...(limits !== undefined && { limits }),
    onFailure: (error) => {
      throw error
    },
  })
  core.start()
  const server = new LogServer({ core, ...(maxFrameBytes !== undefined && { maxFrameBytes }) })
  const links = await listenLinks({
    path: socketIn(directory),
    self: { role: 'writer', id: newId() },
    onLink: (link) => server.serve(link),
    ...(linkLimits !== undefined && { limits: linkLimits }),
    ...(protocol !== undefined && { protocol }),
  })
  const close = async (): Promise<void> => {
    core.close()
    await links.close()
    engine.close()
  }
  return { core, links, close }
}

interface GatewayOptions {
  readonly directory: string
  readonly consumer: FeedConsumer
  readonly limits?: Partial<AppendLimits>
  /** Stands in for the read-only database. */
  readonly reader?: LogReader
  readonly onDiverged?: (reason: string) => void
  /** The link's. */
  readonly logger?: Logger
}

export interface Gateway {
  readonly log: RemoteLog
  readonly link: ReconnectingLink
  close(): Promise<void>
}

/** A gateway's side as the gateway process builds it, in this process. The database exists. */
export function openGateway(options: GatewayOptions): Gateway {
  const { directory, consumer, limits } = options
  const link = new ReconnectingLink({
    path: socketIn(directory),
    self: { role: 'gateway', id: newId() },
    ...(options.logger !== undefined && { logger: options.logger }),
  })
  const file = databaseIn(directory)
  const log = openRemoteLog({
    link,
    reader: options.reader ?? openSqliteReader({ file, busyTimeoutMs: 250 }),
    consumer,
    ...(limits !== undefined && { limits }),
    onDiverged: options.onDiverged ?? ((reason) => expectNever(reason)),
  })
  link.start()
  const close = async (): Promise<void> => {
    await log.close()
    await link.close()
  }
  return { log, link, close }
}

function expectNever(reason: string): never {
  throw new Error(`the log diverged: ${reason}`)
}

/** Resolves when the log is connected to its writer. */
export function connected(log: RemoteLog): Promise<void> {
  return new Promise((resolve) => {
    if (log.isConnected) resolve()
    log.onStateChange((isConnected) => {
      if (isConnected) resolve()
    })
  })
}
