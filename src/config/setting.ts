import { z } from 'zod'

/** One setting: where it comes from, what it may be, and what it means to the person who sets it. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Environment names in order of precedence; the first is the name in messages and docs. */
  readonly env: readonly [string, ...string[]]
  readonly schema: Schema
  /** What the README's table shows as the default. */
  readonly shown: string
  readonly help: string
  /** Its value is never shown, not even in the message that refuses it. */
  readonly isSecret?: true
}

export const setting = <Schema extends z.ZodType>(value: Setting<Schema>): Setting<Schema> => value

export const whole = (min: number, max: number) =>
  z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)

export const flag = z
  .enum(['0', '1', 'true', 'false'], 'must be 0, 1, true or false')
  .transform((value) => value === '1' || value === 'true')

export const optionalText = z.string().optional()
