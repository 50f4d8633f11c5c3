import { z } from 'zod'
import { ERRORS, isErrorCode } from '../../../src/protocol/errors.ts'
import { EVENTS } from '../../../src/protocol/wire.ts'
import { leakIn } from './leaks.ts'

const refusal = z.strictObject({
  error: z.string(),
  code: z.string().refine((code) => isErrorCode(code)),
  retryable: z.boolean(),
  retryAfter: z.number().positive().optional(),
  clientMessageId: z.string().optional(),
})

/** The replies of the commands; which one belongs to which, the compatibility suite tells. */
const replies = z.union([
  z.looseObject({ channelId: z.string(), roomId: z.string() }),
  z.strictObject({ subscribed: z.boolean(), message: z.string() }),
  z.strictObject({ success: z.literal(true), filters: z.object() }),
  z.strictObject({ success: z.literal(false), error: z.string() }),
])

/** What is wrong with the arguments of an acknowledgement, as text; undefined when nothing is. */
export function acknowledgementFault(
  answer: string,
  planted: readonly string[],
): string | undefined {
  const args: unknown = JSON.parse(answer)
  if (!Array.isArray(args) || args.length !== 1) return `not one argument: ${answer}`
  const [value]: unknown[] = args
  const refused = refusal.safeParse(value)
  if (refused.success && refused.data.code === 'INTERNAL') return 'a fault of the server'
  if (refused.success && ERRORS[codeOf(refused.data.code)].retryable !== refused.data.retryable) {
    return `retryable is wrong: ${answer}`
  }
  if (!refused.success && !replies.safeParse(value).success) return `no known answer: ${answer}`
  return leakIn(answer, planted)
}

function codeOf(code: string): keyof typeof ERRORS {
  if (!isErrorCode(code)) throw new Error(`no code: ${code}`)
  return code
}

const NAMES: ReadonlySet<string> = new Set(Object.values(EVENTS))

/** Log lines are for whoever runs the server, and say what happened inside. */
const WITH_LOG_LINES: ReadonlySet<string> = new Set([EVENTS.logStream])

/** What is wrong with anything that came over a socket, in one Engine.IO packet; undefined when nothing is. */
export function packetFault(packet: string, planted: readonly string[]): string | undefined {
  if (!packet.startsWith('42')) return leakIn(packet, planted)
  const args: unknown = JSON.parse(packet.slice(2))
  const [name]: unknown[] = Array.isArray(args) ? args : []
  if (typeof name !== 'string' || !NAMES.has(name)) return `an unknown event: ${packet}`
  if (packet.includes('"code":"INTERNAL"')) return `a fault of the server: ${packet}`
  return WITH_LOG_LINES.has(name) ? undefined : leakIn(packet, planted)
}
