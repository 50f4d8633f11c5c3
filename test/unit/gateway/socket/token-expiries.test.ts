import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CLOSE_CODES } from '../../../../src/protocol/close-codes.ts'
import { TokenExpiries } from '../../../../src/gateway/socket/token-expiries.ts'

type Expiring = Parameters<TokenExpiries['watch']>[0]

/** Notes what is done to it, in order. */
function connectionUntil(expiresAtMs: number | undefined): {
  readonly connection: Expiring
  readonly done: unknown[]
} {
  const done: unknown[] = []
  const connection = {
    caller: { role: 'user', entityId: 'alice', grants: undefined, expiresAtMs },
    stopHearing: () => done.push('deaf'),
    outbox: { close: (code: number) => done.push(code) },
  }
  return { connection: connection as unknown as Expiring, done }
}

const DAY_MS = 86_400_000

describe('the expiry of tokens', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('closes a connection within a second of its end, deaf before it is closed, once', () => {
    const expiries = new TokenExpiries()
    const { connection, done } = connectionUntil(Date.now() + 5_500)
    expiries.watch(connection)
    vi.advanceTimersByTime(5_000)
    expect(done).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(done).toEqual(['deaf', CLOSE_CODES.TOKEN_EXPIRED])
    vi.advanceTimersByTime(DAY_MS)
    expect(done).toHaveLength(2)
  })

  it('waits for as long as a token may live', () => {
    const expiries = new TokenExpiries()
    // Longer than a timer can be set for: set so, it would end at once.
    const { connection, done } = connectionUntil(Date.now() + 40 * DAY_MS)
    expiries.watch(connection)
    vi.advanceTimersByTime(60_000)
    expect(done).toEqual([])
    vi.setSystemTime(Date.now() + 40 * DAY_MS)
    vi.advanceTimersByTime(1_000)
    expect(done).toHaveLength(2)
  })

  it('has one timer for all, and none while there is nothing to wait for', () => {
    const expiries = new TokenExpiries()
    expiries.watch(connectionUntil(undefined).connection)
    expect(vi.getTimerCount()).toBe(0)
    const ends = [1_000, 2_000, 90_000].map((afterMs) => connectionUntil(Date.now() + afterMs))
    for (const { connection } of ends) expiries.watch(connection)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(3_000)
    expect(ends.map(({ done }) => done.length)).toEqual([2, 2, 0])
    expect(vi.getTimerCount()).toBe(1)
    for (const { connection } of ends) expiries.forget(connection)
    expect(vi.getTimerCount()).toBe(0)
    const late = connectionUntil(Date.now() + 1_000)
    expiries.watch(late.connection)
    vi.advanceTimersByTime(1_000)
    expect(late.done).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  })
})
