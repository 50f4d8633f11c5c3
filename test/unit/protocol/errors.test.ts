import { expect, it } from 'vitest'
import { ChannelError } from '../../../src/protocol/errors.ts'

it.each([
  [undefined, undefined],
  [0, 1],
  [600, 1],
  [1_000, 1],
  [1_001, 2],
])('an error that may be retried after %s ms says so as %s s', (retryAfterMs, seconds) => {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs }
  const error = new ChannelError('OVERLOADED', 'too much', options)
  expect(error.retryAfterSeconds).toBe(seconds)
})
