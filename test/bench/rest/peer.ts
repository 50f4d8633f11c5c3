import cluster from 'node:cluster'
import http from 'node:http'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createAdapter, setupPrimary } from '@socket.io/cluster-adapter'
import sticky from '@socket.io/sticky'
import { Server } from 'socket.io'
import { loadSettings } from '../../../src/config/load.ts'
import { createHttpApp } from '../../../src/gateway/http/app.ts'
import { createListenerOptions } from '../../../src/gateway/http/malformed.ts'
import type { Cluster } from '../../../src/service/cluster.ts'
import { createServices } from '../../../src/service/services.ts'
import type { Presence } from '../../../src/signals/signals.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { createPeerDatabase, openPeerLog } from './peer-log.ts'

/**
 * Parley's own REST app (the same routes, validation and answers) in the arrangement of Socket.IO's
 * documentation: as many processes behind `@socket.io/sticky`, which closes the connection with every
 * answer, and one insert for each message (`peer-log.ts`). What differs from Parley is the arrangement.
 *
 * The method is round robin, which is in the peer's favour: `least-connection` counts only Socket.IO
 * sessions, so without any it would send every request to the same process.
 *
 * Usage: node peer.js <port> <processes>
 */

/** The package exports `setupPrimary`; its types know only the older name. */
const { setupPrimary: setupSticky } = sticky as typeof sticky & {
  readonly setupPrimary: typeof sticky.setupMaster
}

const NO_PRESENCE: Presence = {
  enter: () => undefined,
  leave: () => undefined,
  watch: () => undefined,
  unwatch: () => undefined,
  list: async () => [],
}

const NO_CLUSTER: Cluster = {
  processes: async () => [],
  readiness: async () => ({ isReady: true, problems: [] }),
  logs: async () => [],
  clearLogs: async () => undefined,
  stop: () => undefined,
}

function runPrimary(port: number, processCount: number): void {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'rest-peer-')), 'peer.db')
  createPeerDatabase(file)
  const server = http.createServer()
  setupSticky(server, { loadBalancingMethod: 'round-robin' })
  setupPrimary()
  cluster.setupPrimary({ serialization: 'advanced' })
  server.listen(port, '127.0.0.1')
  for (let index = 0; index < processCount; index += 1) cluster.fork({ PEER_DB: file })
}

function runWorker(file: string): void {
  const loaded = loadSettings({})
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  const { settings } = loaded
  const logger = createLogger({ level: 'warn', role: 'gateway', destination: process.stderr })
  const app = createHttpApp({
    settings,
    services: createServices({ log: openPeerLog(file), presence: NO_PRESENCE, logger }),
    cluster: NO_CLUSTER,
    logger,
    version: 'peer',
    docsAssetsDir: '/nonexistent',
  })
  const listener = getRequestListener(app.fetch, createListenerOptions(settings.corsOrigin, logger))
  const server = http.createServer((request, response) => {
    void listener(request, response)
  })
  const io = new Server(server, { perMessageDeflate: false })
  io.adapter(createAdapter())
  sticky.setupWorker(io)
}

if (cluster.isPrimary) runPrimary(Number(process.argv[2] ?? 3200), Number(process.argv[3] ?? 3))
else runWorker(process.env['PEER_DB'] ?? '')
