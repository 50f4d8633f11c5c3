import { once } from 'node:events'
import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { loadSettings } from '../../../src/config/load.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { ClientAddresses } from '../../../src/gateway/client-address.ts'
import { createHttpApp } from '../../../src/gateway/http/app.ts'
import { createIdentity } from '../../../src/gateway/identity/identity.ts'
import { createListenerOptions } from '../../../src/gateway/http/malformed.ts'
import { Limits } from '../../../src/gateway/limits/limits.ts'
import { openLocalLog } from '../../../src/log/local.ts'
import type { ChannelLog } from '../../../src/log/log.ts'
import { createMemoryEngine } from '../../../src/log/memory/memory-engine.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'
import type { Cluster, LogLine, Readiness } from '../../../src/service/cluster.ts'
import { createServices } from '../../../src/service/services.ts'
import type { Presence } from '../../../src/signals/signals.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { createLocalQuotas } from './local-quotas.ts'

/** What a test may look at or set from outside. */
export interface RestServer extends AsyncDisposable {
  readonly url: string
  readonly app: ReturnType<typeof createHttpApp>
  readonly limits: Limits
  readonly log: ChannelLog
  readonly entries: Entry[]
  readonly frames: Ephemeral[]
  /** The server's own log lines, parsed. */
  readonly lines: LogLine[]
  readonly cluster: TestCluster
  readonly presence: Map<string, string[]>
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read bodies of any shape
  readonly body: any
}

interface TestCluster extends Cluster {
  ready: Readiness
  lines: LogLine[]
  stops: number
}

function createCluster(): TestCluster {
  const cluster: TestCluster = {
    ready: { isReady: true, problems: [] },
    lines: [],
    stops: 0,
    processes: async () => [{ role: 'gateway', pid: 1, uptimeMs: 2, connections: 3 }],
    readiness: async () => cluster.ready,
    workers: async () => [],
    logs: async () => cluster.lines,
    clearLogs: async () => {
      cluster.lines = []
    },
    stop: () => {
      cluster.stops += 1
    },
  }
  return cluster
}

function settingsWith(overrides: Partial<Settings>): Settings {
  const loaded = loadSettings({})
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  return { ...loaded.settings, ...overrides }
}

export interface RestOptions {
  readonly settings?: Partial<Settings>
  readonly docsAssetsDir?: string
  /** Stands between the services and the log. */
  readonly wrapLog?: (log: ChannelLog) => ChannelLog
  /** The clock of the limits. */
  readonly nowMs?: () => number
}

/** A real HTTP server on loopback over a real log in memory. */
export async function startRest(options: RestOptions = {}): Promise<RestServer> {
  const lines: LogLine[] = []
  const entries: Entry[] = []
  const frames: Ephemeral[] = []
  const presence = new Map<string, string[]>()
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const logger = createLogger({ level: 'info', role: 'gateway', destination })
  const log = openLocalLog({
    engine: createMemoryEngine(),
    logger,
    consumer: {
      onEntries: (_channelId, batch) => entries.push(...batch),
      onEphemeral: (frame) => frames.push(frame),
    },
  })
  const cluster = createCluster()
  const ports: Presence = {
    enter: () => undefined,
    leave: () => undefined,
    watch: () => undefined,
    unwatch: () => undefined,
    list: async (channelId) => presence.get(channelId) ?? [],
  }
  const settings = settingsWith(options.settings ?? {})
  const nowMs = options.nowMs ?? (() => performance.now())
  const limits = new Limits({
    settings,
    quotas: createLocalQuotas(nowMs),
    addresses: new ClientAddresses(settings.trustProxy),
    logger,
    nowMs,
  })
  const app = createHttpApp({
    settings,
    identity: createIdentity(settings, logger),
    limits,
    services: createServices({
      log: options.wrapLog?.(log) ?? log,
      presence: ports,
      logger,
      limits: settings,
    }),
    cluster,
    logger,
    version: '9.9.9',
    docsAssetsDir: options.docsAssetsDir ?? '/nonexistent',
  })
  const listener = getRequestListener(app.fetch, createListenerOptions(settings.corsOrigin, logger))
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  return {
    url,
    app,
    limits,
    log,
    entries,
    frames,
    lines,
    cluster,
    presence,
    call: (...[method, path, body, headers = {}]) =>
      call(`${url}${path}`, { method, body, headers }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await log.close()
    },
  }
}

interface Call {
  readonly method: string
  /** A string is sent as it is. */
  readonly body?: unknown
  readonly headers: Record<string, string>
}

async function call(url: string, { method, body, headers }: Call): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? JSON.parse(text) : text,
  }
}
