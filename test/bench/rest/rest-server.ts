import { fileURLToPath } from 'node:url'
import type { RunOptions, ServerUnderTest, Side } from '../scenario.ts'
import { startParley } from '../servers/parley-server.ts'
import { spawnServer } from '../servers/spawned-server.ts'

const MODULE = fileURLToPath(new URL('peer.js', import.meta.url))
const REQUEST_TIMEOUT_MS = 2_000

/** Parley, or its REST app behind `@socket.io/sticky` with as many processes as Parley has gateways. */
export function startRestServer(side: Side, options: RunOptions): Promise<ServerUnderTest> {
  const { gatewayCount } = options
  if (side === 'parley') return startParley(options)
  return spawnServer({
    kind: 'peer',
    args: (port) => [MODULE, String(port), String(gatewayCount)],
    environment: (_port, dir) => ({ TMPDIR: dir }),
    isReady: async (port, pids) => {
      if (pids.length < gatewayCount + 1) return false
      // Round robin: this many, one after the other, reach each process; one that is not up yet answers late.
      for (let index = 0; index < gatewayCount * 2; index += 1) {
        const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
        const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal })
        await answer.text()
        if (!answer.ok) return false
      }
      return true
    },
  })
}
