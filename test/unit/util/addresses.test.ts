import { describe, expect, it } from 'vitest'
import { HostList, isHostOrRange, isPublicAddress } from '../../../src/util/addresses.ts'

describe('isPublicAddress', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ])('takes %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    ['this machine', ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::']],
    ['this network', ['0.1.2.3', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fec0::1']],
    ['private networks', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1']],
    ['mapped private ones', ['::ffff:10.0.0.1', '::ffff:a00:1', '::ffff:169.254.169.254']],
    ['translated private ones', ['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::8.8.8.8']],
    ['private ones of 6to4 and Teredo', ['2002:a00:1::', '2002:7f00:1::1', '2001:0:808:808::1']],
    ['other IPv4 in IPv6', ['::8.8.8.8', '::127.0.0.1', '::ffff:0:8.8.8.8']],
    ['shared and reserved ones', ['100.64.0.1', '100.127.255.255', '192.0.0.8', '198.18.0.1']],
    ['examples', ['192.0.2.1', '198.51.100.7', '203.0.113.9', '2001:db8::1', '3fff::1']],
    ['many', ['224.0.0.1', '255.255.255.255', '240.0.0.1', 'ff02::1']],
    ['what nobody has given out', ['4000::1', '1::1', '5f00::1', '100::1']],
    ['what is no address', ['', 'localhost', 'example.com', '8.8.8.8/32', '1.2.3.4.5', '[::1]']],
  ])('refuses %s', (_what, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([])
  })
})

describe('a list of hosts', () => {
  it('has names in any case and with a dot at the end, and no others', () => {
    const list = new HostList(['Agents.Internal', 'localhost'])
    expect(
      ['agents.internal', 'AGENTS.INTERNAL.', 'localhost'].every((name) => list.hasName(name)),
    ).toBe(true)
    expect(['internal', 'x.agents.internal', '127.0.0.1'].some((name) => list.hasName(name))).toBe(
      false,
    )
    expect([list.hasRanges, list.hasAddress('127.0.0.1')]).toEqual([false, false])
  })

  it('has the addresses of its ranges, also where they are written into IPv6 ones', () => {
    const list = new HostList(['127.0.0.1/32', '10.1.0.0/16', 'fd00::/8', '192.168.1.7', '::1'])
    const listed = ['127.0.0.1', '::ffff:127.0.0.1', '10.1.255.1', '64:ff9b::10.1.0.1', 'fd12::1']
    expect(listed.filter((address) => !list.hasAddress(address))).toEqual([])
    expect(['192.168.1.7', '::1'].filter((address) => !list.hasAddress(address))).toEqual([])
    const others = ['127.0.0.2', '10.2.0.1', 'fe80::1', '192.168.1.8', '::2', 'nonsense', '']
    expect(others.filter((address) => list.hasAddress(address))).toEqual([])
  })

  it('says of an entry whether it can be in one', () => {
    const good = ['example.com', 'localhost', 'a_b', '10.0.0.0/8', '::1/128', '127.0.0.1', '::1']
    expect(good.filter((entry) => !isHostOrRange(entry))).toEqual([])
    const bad = ['', 'a b', '10.0.0.0/33', '10.0.0.0/x', 'http://x', 'x/y', '*.example.com', '-a']
    expect(bad.filter(isHostOrRange)).toEqual([])
  })
})
