import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ClientAddresses } from '../../../../src/gateway/client-address.ts'
import { Limits } from '../../../../src/gateway/limits/limits.ts'
import { anyone, service } from '../../../../src/service/caller.ts'
import type { Caller, Role } from '../../../../src/service/caller.ts'
import { createLogger } from '../../../../src/telemetry/logger.ts'
import { createLocalQuotas } from '../../../integration/support/local-quotas.ts'

const CLIENT = '203.0.113.9'

/** A clock that stands still. */
const nowMs = (): number => 3_000

function setUp() {
  return new Limits({
    settings: {
      maxConnectionsPerEntity: 2,
      maxConnectionsPerAddress: 3,
      connectsPerSecond: 4,
      eventsPerSecond: 10,
      entityEventsPerSecond: 6,
      requestsPerSecond: 5,
      keyRequestsPerSecond: 7,
    },
    quotas: createLocalQuotas(nowMs),
    addresses: new ClientAddresses(0),
    logger: createLogger({ level: 'silent', role: 'gateway', destination: process.stderr }),
    nowMs,
  })
}

const from = (remoteAddress: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: {} }) as unknown as IncomingMessage

const withToken = (role: Role, entityId: string): Caller => ({
  role,
  entityId,
  grants: undefined,
  expiresAtMs: undefined,
})

/** How many of so many tries are not refused. */
function successes(tries: number, attempt: () => void): number {
  return Array.from({ length: tries }, () => {
    try {
      attempt()
      return 1
    } catch {
      return 0
    }
  }).reduce<number>((sum, one) => sum + one, 0)
}

const CALLERS = {
  anyone: anyone('e'),
  service: service('e'),
  admin: withToken('admin', 'e'),
  agent: withToken('agent', 'e'),
  user: withToken('user', 'e'),
} as const

describe('who is held to what', () => {
  it.each([
    // Of a hundred tries each, from an address and from this machine.
    { role: 'anyone', connects: [4, 100], requests: [5, 100], events: 10 },
    { role: 'service', connects: [100, 100], requests: [7, 7], events: 10 },
    { role: 'admin', connects: [100, 100], requests: [100, 100], events: 10 },
    { role: 'agent', connects: [100, 100], requests: [100, 100], events: 10 },
    { role: 'user', connects: [4, 100], requests: [5, 6], events: 6 },
  ] as const)('$role', ({ role, connects, requests, events }) => {
    const caller = CALLERS[role]
    for (const [index, address] of [CLIENT, '::ffff:127.0.0.1'].entries()) {
      const limits = setUp()
      const request = from(address)
      expect(successes(100, () => limits.takeConnect(request, caller))).toBe(connects[index])
      expect(successes(100, () => limits.takeRequest(request, caller))).toBe(requests[index])
    }
    const meter = setUp().meter(caller, () => undefined)
    const refusals = Array.from({ length: 100 }, () => meter.take()).filter(
      (refusal) => refusal !== undefined,
    )
    expect(100 - refusals.length).toBe(events)
  })

  it.each([
    { role: 'anyone', places: [3, 100] },
    { role: 'service', places: [100, 100] },
    { role: 'admin', places: [100, 100] },
    { role: 'agent', places: [100, 100] },
    { role: 'user', places: [2, 2] },
  ] as const)('$role, at a time', async ({ role, places }) => {
    for (const [index, address] of [CLIENT, '127.0.0.1'].entries()) {
      const limits = setUp()
      const tries = Array.from({ length: 100 }, () =>
        limits.holdConnection(from(address), CALLERS[role]),
      )
      const settled = await Promise.allSettled(tries)
      expect(settled.filter(({ status }) => status === 'fulfilled').length).toBe(places[index])
    }
  })

  it('counts sessions before anybody has said who it is, and connects that fail', () => {
    const limits = setUp()
    expect(successes(100, () => limits.takeSession(from(CLIENT)))).toBe(40)
    expect(successes(100, () => limits.takeConnect(from(CLIENT), undefined))).toBe(4)
    expect(successes(100, () => limits.takeSession(from('127.0.0.1')))).toBe(100)
    expect(limits.counts()).toMatchObject({ connects: 156, events: 0 })
  })

  it('holds nobody to what another entity or address has used', async () => {
    const limits = setUp()
    const request = from(CLIENT)
    for (let index = 0; index < 2; index += 1) {
      await limits.holdConnection(request, CALLERS.user)
    }
    await expect(limits.holdConnection(request, CALLERS.user)).rejects.toMatchObject({
      code: 'TOO_MANY_CONNECTIONS',
      retryAfterMs: 5_000,
    })
    const held = await limits.holdConnection(request, withToken('user', 'other'))
    await expect(limits.holdConnection(request, withToken('user', 'third'))).rejects.toMatchObject({
      code: 'TOO_MANY_CONNECTIONS',
    })
    expect(limits.counts()).toMatchObject({
      'connections-of-entity': 1,
      'connections-of-address': 1,
    })
    held?.release()
    await limits.holdConnection(request, withToken('user', 'third'))
    await limits.holdConnection(from('203.0.113.10'), withToken('user', 'fourth'))
  })
})
