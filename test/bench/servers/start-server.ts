import type { RunOptions, ServerUnderTest, Side } from '../scenario.ts'
import { startParley } from './parley-server.ts'
import { startPeer } from './peer-server.ts'

/** Starts a fresh server of one side; resolves when all of its processes serve. */
export function startServer(side: Side, options: RunOptions): Promise<ServerUnderTest> {
  return side === 'parley' ? startParley(options) : startPeer(options)
}
