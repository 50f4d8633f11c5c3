import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import { describeIssues, genericSchema } from '../../protocol/schemas.ts'
import { commandOf, EVENTS } from '../../protocol/wire.ts'
import type { CommandName } from '../../protocol/wire.ts'
import { join } from './commands/join.ts'
import { leave } from './commands/leave.ts'
import { filterLogs, subscribeLogs, unsubscribeLogs } from './commands/logs.ts'
import { send } from './commands/send.ts'
import { typingStart, typingStop } from './commands/typing.ts'
import type { Connection } from './connection.ts'
import type { Command, Edge, Request } from './edge.ts'

/** Characters of a client's own words that an error message repeats. */
const MAX_QUOTED_LENGTH = 64

const COMMANDS: Readonly<Record<Exclude<CommandName, 'generic'>, Command>> = {
  join,
  leave,
  send,
  'typing-start': typingStart,
  'typing-stop': typingStop,
  'logs-subscribe': subscribeLogs,
  'logs-unsubscribe': unsubscribeLogs,
  'logs-filter': filterLogs,
}

function unknown(what: string, name: string | number): ChannelError {
  const quoted = JSON.stringify(String(name).slice(0, MAX_QUOTED_LENGTH))
  return new ChannelError('MESSAGE_TYPE_UNKNOWN', `Unknown ${what} ${quoted}.`)
}

/** `message` with `{ type, payload }`: any command, by number or by name. */
async function generic(edge: Edge, request: Request): Promise<void> {
  const parsed = genericSchema.safeParse(request.payload)
  if (!parsed.success) {
    throw new ChannelError(
      'INVALID_PAYLOAD',
      `A generic message is { type, payload }: ${describeIssues(parsed.error)}`,
    )
  }
  const { type, payload } = parsed.data
  const name = commandOf(type)
  if (name === undefined || name === 'generic') throw unknown('message type', type)
  await COMMANDS[name](edge, { ...request, payload })
}

async function run(edge: Edge, event: string | number, request: Request): Promise<void> {
  const name = commandOf(event)
  if (name === undefined) throw unknown('event', event)
  await (name === 'generic' ? generic(edge, request) : COMMANDS[name](edge, request))
}

/** The client's id of a message that was refused, so that it knows which one. */
function clientMessageIdOf(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { messageId, payload: inner } = payload as { messageId?: unknown; payload?: unknown }
  if (typeof messageId === 'string') return messageId.slice(0, MAX_QUOTED_LENGTH * 2)
  return inner === undefined ? undefined : clientMessageIdOf(inner)
}

function refuse(edge: Edge, request: Request, thrown: unknown): void {
  const error = toChannelError(thrown)
  if (error.code === 'INTERNAL') edge.logger.error({ err: error.cause }, 'command failed')
  const { code, message, retryable } = error
  const clientMessageId = clientMessageIdOf(request.payload)
  const answer = {
    error: message,
    code,
    retryable,
    ...(clientMessageId === undefined ? {} : { clientMessageId }),
  }
  request.connection.emit(EVENTS.messageError, answer)
  request.acknowledge(answer)
}

function ignore(): void {
  // The client gave no callback.
}

/**
 * Carries out one event of a client and answers for whatever goes wrong: a refusal is a
 * `messageError` and reaches the acknowledgement callback too. Never throws, never rejects.
 */
export async function dispatch(
  edge: Edge,
  connection: Connection,
  packet: readonly [event: string | number, ...args: unknown[]],
): Promise<void> {
  const [event, ...args] = packet
  const callback = args.at(-1)
  const hasCallback = typeof callback === 'function'
  const request: Request = {
    connection,
    payload: hasCallback && args.length === 1 ? undefined : args[0],
    acknowledge: hasCallback ? (answer) => void callback(answer) : ignore,
  }
  try {
    await run(edge, event, request)
  } catch (error) {
    refuse(edge, request, error)
  }
}
