import cluster from 'node:cluster'
import { mkdtempSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setupPrimary } from '@socket.io/cluster-adapter'
import sticky from '@socket.io/sticky'

/** The package exports `setupPrimary`; its types know only the older name. */
const { setupPrimary: setupSticky } = sticky as typeof sticky & {
  readonly setupPrimary: typeof sticky.setupMaster
}

/**
 * The primary of a peer, as Socket.IO's documentation sets it up for a cluster: `<port> <processes>` on its command
 * line. Its workers share one database, whose file they get as `PEER_DB`; `create` makes it.
 */
export function runStickyPrimary(create: (file: string) => void): void {
  const [port = '3200', processCount = '3'] = process.argv.slice(2)
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'peer-')), 'peer.db')
  create(file)
  const server = http.createServer()
  setupSticky(server, { loadBalancingMethod: 'least-connection' })
  setupPrimary()
  cluster.setupPrimary({ serialization: 'advanced' })
  server.listen(Number(port), '127.0.0.1')
  for (let index = 0; index < Number(processCount); index += 1) cluster.fork({ PEER_DB: file })
}
