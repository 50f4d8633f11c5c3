import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Where all public IPv6 addresses are (RFC 4291, 2.4): what is outside may get a meaning that nobody foresees. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')
/** The prefix for IPv4 addresses of everybody (RFC 6052); the one of local use (RFC 8215) hides what is behind it. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')
const SIX_TO_FOUR = ipaddr.IPv6.parseCIDR('2002::/16')

const fourBytes = (address: ipaddr.IPv6, from: number): ipaddr.IPv4 =>
  new ipaddr.IPv4(address.toByteArray().slice(from, from + 4))

/** The address that packets reach in the end: an IPv4 address that is written into an IPv6 one is that. */
function reached(address: Address): Address {
  if (address.kind() === 'ipv4' || !(address instanceof ipaddr.IPv6)) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  if (address.match(NAT64)) return fourBytes(address, 12)
  return address.match(SIX_TO_FOUR) ? fourBytes(address, 2) : address
}

/** `::8.8.8.8`, which nobody uses any more (RFC 4291, 2.5.5.1), and which the library takes for `::ffff:8.8.8.8`. */
const IPV4_COMPATIBLE = /^::\d+\./

/**
 * True for an IP address in its usual spelling that is anybody's on the internet: not of this machine, not of a
 * private network, not of a special purpose, and no way to one of those.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text) || IPV4_COMPATIBLE.test(text)) return false
  const address = reached(ipaddr.parse(text))
  if (address.range() !== 'unicast') return false
  return !(address instanceof ipaddr.IPv6) || address.match(PUBLIC_IPV6)
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

const withoutDot = (name: string): string => name.toLowerCase().replace(/\.$/, '')

/** A range of addresses: `10.0.0.0/8`, or one address. */
function rangeOf(entry: string): [Address, number] | undefined {
  if (entry.includes('/')) {
    return ipaddr.isValidCIDR(entry) ? ipaddr.parseCIDR(entry) : undefined
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(entry) && !ipaddr.IPv6.isValid(entry)) return undefined
  const address = ipaddr.parse(entry)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** True for a host name, an address, or a range of addresses. */
export function isHostOrRange(entry: string): boolean {
  return rangeOf(entry) !== undefined || HOST_NAME.test(withoutDot(entry))
}

/** A list of host names, addresses and ranges of addresses. */
export class HostList {
  readonly #names = new Set<string>()
  readonly #ranges: [Address, number][] = []

  /** Of entries for which `isHostOrRange` holds; others are in no list. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const range = rangeOf(entry)
      if (range === undefined) this.#names.add(withoutDot(entry))
      else this.#ranges.push(range)
    }
  }

  /** Whether it has ranges, so that a name may be listed by its addresses. */
  get hasRanges(): boolean {
    return this.#ranges.length > 0
  }

  hasName(name: string): boolean {
    return this.#names.has(withoutDot(name))
  }

  hasAddress(text: string): boolean {
    if (!ipaddr.isValid(text)) return false
    const given = ipaddr.parse(text)
    return [given, reached(given)].some((address) =>
      this.#ranges.some(
        ([range, bits]) => range.kind() === address.kind() && address.match(range, bits),
      ),
    )
  }
}
