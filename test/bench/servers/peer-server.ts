import { fileURLToPath } from 'node:url'
import type { RunOptions, ServerUnderTest } from '../scenario.ts'
import { spawnServer } from './spawned-server.ts'

const MODULE = fileURLToPath(new URL('../peer.js', import.meta.url))
const REQUEST_TIMEOUT_MS = 2_000

/** The peer with as many processes as Parley has gateways; ready when each of them opens sessions. */
export async function startPeer({ gatewayCount }: RunOptions): Promise<ServerUnderTest> {
  return spawnServer({
    kind: 'peer',
    args: (port) => [MODULE, String(port), String(gatewayCount)],
    // Its database is in a temporary directory of its own making.
    environment: (_port, dir) => ({ TMPDIR: dir }),
    isReady: async (port, pids) => {
      if (pids.length < gatewayCount + 1) return false
      const url = `http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`
      // One after the other: each session goes to a process that has fewer, so this many reach all of them.
      for (let probe = 0; probe < gatewayCount; probe += 1) {
        const answer = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
        await answer.text()
        if (!answer.ok) return false
      }
      return true
    },
  })
}
