import { createServer } from 'node:net'
import { waitForPort } from '../wait-for-port.ts'

/** Listens and stops at once. @throws EADDRINUSE, and what a host that is none gives. */
function probe(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error(`no port is free on ${host}`))
      })
    })
  })
}

/**
 * The port that all gateways share: the one that was asked for, tried before anything is started, or
 * for 0 a free one, chosen once. Left to the gateways, 0 would give every restarted lone gateway
 * another port.
 *
 * @throws EADDRINUSE when another program has it and keeps it.
 */
export function pickPort(port: number, host: string): Promise<number> {
  return waitForPort(() => probe(port, host))
}

/** The address as people and clients write it. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}
