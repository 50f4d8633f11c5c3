import cluster from 'node:cluster'
import http from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createAdapter } from '@socket.io/cluster-adapter'
import sticky from '@socket.io/sticky'
import { Server } from 'socket.io'
import { loadSettings } from '../../../src/config/load.ts'
import { ClientAddresses } from '../../../src/gateway/client-address.ts'
import { createHttpApp } from '../../../src/gateway/http/app.ts'
import { createIdentity } from '../../../src/gateway/identity/identity.ts'
import { createListenerOptions } from '../../../src/gateway/http/malformed.ts'
import { Limits } from '../../../src/gateway/limits/limits.ts'
import type { Cluster } from '../../../src/service/cluster.ts'
import { createServices } from '../../../src/service/services.ts'
import type { Presence, Quotas } from '../../../src/signals/signals.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { runStickyPrimary } from '../sticky-primary.ts'
import { createPeerDatabase, openPeerLog } from './peer-log.ts'

/**
 * Parley's own REST app (the same routes, validation and answers) in the arrangement of Socket.IO's
 * documentation: as many processes behind `@socket.io/sticky`, which closes the connection with every
 * answer, and one insert for each message (`peer-log.ts`). What differs from Parley is the arrangement.
 *
 * The method is `least-connection`, sticky's default and what the Socket.IO peer has. It counts Socket.IO
 * sessions only, so with REST alone most requests reach one process: with `round-robin` in its place this
 * peer answers about half as many requests again.
 *
 * Usage: node peer.js <port> <processes>
 */

const NO_PRESENCE: Presence = {
  enter: () => undefined,
  leave: () => undefined,
  watch: () => undefined,
  unwatch: () => undefined,
  list: async () => [],
}

const NO_QUOTAS: Quotas = {
  take: () => 0,
  hold: async () => ({ refused: undefined, release: () => undefined }),
}

const NO_CLUSTER: Cluster = {
  processes: async () => [],
  readiness: async () => ({ isReady: true, problems: [] }),
  workers: async () => [],
  logs: async () => [],
  clearLogs: async () => undefined,
  stop: () => undefined,
}

function runWorker(file: string): void {
  const loaded = loadSettings({})
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  const { settings } = loaded
  const logger = createLogger({ level: 'warn', role: 'gateway', destination: process.stderr })
  const app = createHttpApp({
    settings,
    identity: createIdentity(settings, logger),
    limits: new Limits({
      settings,
      quotas: NO_QUOTAS,
      addresses: new ClientAddresses(0),
      logger,
      nowMs: () => performance.now(),
    }),
    services: createServices({
      log: openPeerLog(file),
      presence: NO_PRESENCE,
      logger,
      limits: settings,
    }),
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

if (cluster.isPrimary) runStickyPrimary(createPeerDatabase)
else runWorker(process.env['PEER_DB'] ?? '')
