import { isIPv4, isIPv6 } from 'node:net'

/** `1.2.3.4`, with a port where a proxy adds it. */
const IPV4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/
/** `[2001:db8::1]`, with a port where a proxy adds it. */
const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/
/** IPv4 within IPv6 in dotted form: the last 32 bits. */
const DOTTED_TAIL = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

const GROUPS = 8
/** Groups of the network part: a household gets a /64, and may use any address in it. */
const NETWORK_GROUPS = 4
/** Five groups of zeros and one of ones: IPv4 as IPv6 sockets show it. */
const MAPPED = [0, 0, 0, 0, 0, 0xffff]

const hexPair = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16)

/** The eight groups of an address that `isIPv6` accepts. */
function groupsOf(address: string): readonly number[] {
  const [, head, a, b, c, d] = DOTTED_TAIL.exec(address) ?? []
  const plain = head === undefined ? address : `${head}${hexPair(a, b)}:${hexPair(c, d)}`
  const [left = '', right] = plain.split('::')
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const zeros = Array.from({ length: GROUPS - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
}

function keyOfIPv4(address: string): string {
  return address.startsWith('127.') ? 'loopback' : address
}

function keyOfIPv6(address: string): string {
  const groups = groupsOf(address.split('%')[0] ?? address)
  const [high = 0, low = 0] = groups.slice(-2)
  if (MAPPED.every((group, index) => groups[index] === group)) {
    return keyOfIPv4([high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  const isLoopback = groups.slice(0, -1).every((group) => group === 0) && low === 1
  if (isLoopback) return 'loopback'
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/**
 * One key for all addresses that are the same client: IPv4 as it is, also where IPv6 carries it, and IPv6 by
 * its /64; `loopback` for this machine. Undefined when it is no address.
 */
export function addressKey(text: string): string | undefined {
  const ipv4 = IPV4.exec(text)?.[1]
  if (ipv4 !== undefined) return isIPv4(ipv4) ? keyOfIPv4(ipv4) : undefined
  const address = BRACKETED.exec(text)?.[1] ?? text
  return isIPv6(address) ? keyOfIPv6(address) : undefined
}
