import { ChannelError, ERRORS } from '../../protocol/errors.ts'

/** The limits by their names in counts and log lines. `floods`: transports closed for too many refusals. */
export const LIMIT_NAMES = [
  'events',
  'floods',
  'entity-events',
  'requests',
  'key-requests',
  'connects',
  'connections-of-entity',
  'connections-of-address',
] as const
export type LimitName = (typeof LIMIT_NAMES)[number]

/** What may be done so many times in a second was done more often; refusing it has no other effect. */
export class RateLimited extends ChannelError {
  /** Of the limit that refused: times in a second. */
  readonly perSecond: number

  constructor(perSecond: number, retryAfterMs: number) {
    super('RATE_LIMITED', ERRORS.RATE_LIMITED.message, { retryAfterMs })
    this.perSecond = perSecond
  }
}
