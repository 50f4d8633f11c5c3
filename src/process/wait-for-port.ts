import { setTimeout as delay } from 'node:timers/promises'
import { codeOf } from './error-facts.ts'

/** Longest that a start waits for the port: the gateways of a killed server may still be ending. */
const PORT_WAIT_MS = 5_000
const PORT_RETRY_MS = 100

/** Tries to listen until it succeeds. @throws EADDRINUSE when another program has the port and keeps it. */
export async function waitForPort<T>(listen: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + PORT_WAIT_MS
  for (;;) {
    try {
      return await listen()
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || performance.now() > deadlineMs) throw error
      await delay(PORT_RETRY_MS)
    }
  }
}
