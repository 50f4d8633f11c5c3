import { BlockList, isIP } from 'node:net'

/**
 * True for addresses that only this machine reaches: 127.0.0.0/8, `::1` in every spelling, their
 * IPv4-mapped forms, and `localhost`. Other names count as public: what they resolve to may change.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (name === 'localhost') return true
  const family = isIP(name)
  if (family === 0) return false
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  return loopback.check(name, family === 4 ? 'ipv4' : 'ipv6')
}
