import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { addressKey } from '../../../src/gateway/address-key.ts'
import { CLIENT_ADDRESS_HEADER, ClientAddresses } from '../../../src/gateway/client-address.ts'

/** A request as far as addresses are concerned. */
function from(
  remoteAddress: string | undefined,
  forwardedFor?: string,
  more: Record<string, string> = {},
): IncomingMessage {
  const headers = {
    ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
    ...more,
  }
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

describe('the key of an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:41000', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::7]:443', '2001:db8:1:2::/64'],
    ['2001:db8::203.0.113.9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['127.0.0.1', 'loopback'],
    ['127.8.8.8', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
  ])('of %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  it.each(['', 'unknown', '1.2.3', '1.2.3.999', '_hidden', 'localhost', ':::', '1.2.3.4 '])(
    'is not there for %j',
    (text) => {
      expect(addressKey(text)).toBeUndefined()
    },
  )
})

describe("a client's address", () => {
  const FORGED = '198.51.100.66'
  const CLIENT = '203.0.113.9'
  const INNER = '10.0.0.2'

  it.each([
    { what: 'no proxy: the connection’s', proxies: 0, list: undefined, key: '192.0.2.1' },
    { what: 'no proxy, a forged header', proxies: 0, list: FORGED, key: '192.0.2.1' },
    { what: 'one proxy', proxies: 1, list: CLIENT, key: CLIENT },
    { what: 'one proxy, a forged entry', proxies: 1, list: `${FORGED}, ${CLIENT}`, key: CLIENT },
    { what: 'two proxies', proxies: 2, list: `${CLIENT},${INNER}`, key: CLIENT },
    {
      what: 'two proxies, forged entries',
      proxies: 2,
      list: `,, ${FORGED} , ${CLIENT} , ${INNER}`,
      key: CLIENT,
    },
    { what: 'fewer entries than proxies: the leftmost', proxies: 3, list: CLIENT, key: CLIENT },
    { what: 'no header behind a proxy', proxies: 1, list: undefined, key: '192.0.2.1' },
    { what: 'no address in the entry', proxies: 1, list: 'unknown', key: 'no address' },
    { what: 'an empty entry', proxies: 1, list: `${CLIENT},`, key: 'no address' },
    { what: 'nothing but commas', proxies: 9, list: ',,,', key: 'no address' },
    { what: 'this machine behind a proxy', proxies: 1, list: '::1', key: undefined },
  ])('is found with $what', ({ proxies, list, key }) => {
    expect(new ClientAddresses(proxies).keyOf(from('192.0.2.1', list))).toBe(key)
  })

  it('does not count on loopback, nor where there is none', () => {
    const addresses = new ClientAddresses(0)
    expect(addresses.keyOf(from('::ffff:127.0.0.1', CLIENT))).toBeUndefined()
    expect(addresses.keyOf(from(undefined, CLIENT))).toBeUndefined()
  })

  it('is taken from another gateway on the private socket, and from nobody else', () => {
    const addresses = new ClientAddresses(1)
    const forged = from('192.0.2.1', CLIENT, { [CLIENT_ADDRESS_HEADER]: FORGED })
    expect(addresses.keyOf(forged)).toBe(CLIENT)
    const handed = from(undefined, FORGED, { [CLIENT_ADDRESS_HEADER]: CLIENT })
    addresses.takeForwarded(handed)
    expect(addresses.keyOf(handed)).toBe(CLIENT)
    const withoutWord = from(undefined, FORGED)
    addresses.takeForwarded(withoutWord)
    expect(addresses.keyOf(withoutWord)).toBeUndefined()
  })

  it('stays what it was when the connection is gone', () => {
    const addresses = new ClientAddresses(0)
    const request = from(CLIENT)
    addresses.remember(request)
    Object.assign(request.socket, { remoteAddress: undefined })
    expect(addresses.keyOf(request)).toBe(CLIENT)
  })
})
