import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Lines } from '../../../../src/agent/webhook/lines.ts'

/** The lines of all parts, and what is left of the last one. */
function linesOf(parts: readonly string[]) {
  const lines = new Lines()
  const whole = parts.flatMap((part) => lines.take(part))
  return { whole, begunChars: lines.begunChars }
}

it.each([
  [['a\nb\r\nc\rd'], ['a', 'b', 'c'], 1],
  [['a\r', '\nb\n'], ['a', 'b'], 0],
  [['a\r', '', '\nb'], ['a'], 1],
  [['\r', '\r', '\n', '\n'], ['', '', ''], 0],
  [['a', 'b', '\n', 'c'], ['ab'], 1],
  [[''], [], 0],
])('of %j the lines are %j', (parts, whole, begunChars) => {
  expect(linesOf(parts)).toEqual({ whole, begunChars })
})

it('lines are the same however the text is cut into parts', () => {
  const text = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', 'ä'), maxLength: 60 })
  const cuts = fc.array(fc.nat(60), { maxLength: 20 })
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const places = [0, ...at.toSorted((a, b) => a - b), whole.length]
      const parts = places.map((place, index) => whole.slice(place, places[index + 1]))
      expect(linesOf(parts)).toEqual(linesOf([whole]))
    }),
  )
})

it('a line of four million characters that come one by one is looked at once', () => {
  const lines = new Lines()
  lines.take('x'.repeat(2_000_000))
  // Searched again for every part, this takes an hour.
  for (let count = 0; count < 2_000_000; count += 1) lines.take('y')
  expect(lines.begunChars).toBe(4_000_000)
  const [line = ''] = lines.take('\n')
  expect([line.length, line.at(1_999_999), line.at(2_000_000)]).toEqual([4_000_000, 'x', 'y'])
})
