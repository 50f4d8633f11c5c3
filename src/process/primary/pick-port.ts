import { createServer } from 'node:net'

/**
 * The port that all gateways share: the one that was asked for, or for 0 a free one, chosen once.
 * Left to the gateways, 0 would give every restarted lone gateway another port.
 */
export function pickPort(port: number, host: string): Promise<number> {
  if (port !== 0) return Promise.resolve(port)
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen({ port: 0, host, exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error(`no port is free on ${host}`))
      })
    })
  })
}

/** The address as people and clients write it. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}
