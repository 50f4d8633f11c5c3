import { describe, expect, it } from 'vitest'
import { EventMeter } from '../../../../src/gateway/limits/event-meter.ts'
import type { EventMeterOptions } from '../../../../src/gateway/limits/event-meter.ts'
import { createLocalQuotas } from '../../../integration/support/local-quotas.ts'

function setUp(options: Partial<EventMeterOptions> = {}) {
  let nowMs = 7_000
  const clock = () => nowMs
  const refused: string[] = []
  const floods: number[] = []
  const quotas = createLocalQuotas(clock)
  const another = () =>
    new EventMeter({
      perSecond: 10,
      entity: undefined,
      quotas,
      nowMs: clock,
      onRefused: (limit) => refused.push(limit),
      onFlood: () => floods.push(nowMs),
      ...options,
    })
  return {
    meter: another(),
    another,
    refused,
    floods,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

const accepted = (meter: EventMeter, tries: number): number =>
  Array.from({ length: tries }, () => meter.take()).filter((refusal) => refusal === undefined)
    .length

describe('a meter of events', () => {
  it('accepts the limit in each second and refuses the rest with the time that is left', () => {
    const { meter, refused, advance } = setUp()
    advance(400)
    expect(accepted(meter, 15)).toBe(10)
    expect(refused).toEqual(Array.from({ length: 5 }, () => 'events'))
    expect(meter.take()).toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfterMs: 600,
      perSecond: 10,
    })
    advance(600)
    expect(accepted(meter, 15)).toBe(10)
  })

  it('holds all connections of an entity to its limit together, and each to its own', () => {
    const entity = { key: 'entity alice', perSecond: 15 }
    const { meter, another, refused, advance } = setUp({ entity })
    const second = another()
    expect(accepted(meter, 12)).toBe(10)
    expect(accepted(second, 12)).toBe(5)
    expect(refused.filter((limit) => limit === 'entity-events').length).toBe(7)
    expect(second.take()).toMatchObject({ code: 'RATE_LIMITED', perSecond: 15 })
    advance(1_000)
    expect(accepted(second, 12)).toBe(10)
    expect(accepted(meter, 12)).toBe(5)
  })

  it('calls a flood what is ten times the limit in a second, once', () => {
    const { meter, floods, advance } = setUp()
    for (let second = 0; second < 3; second += 1) {
      accepted(meter, 100)
      advance(1_000)
    }
    expect(floods).toEqual([])
    accepted(meter, 200)
    expect(floods.length).toBe(1)
  })
})
