import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import { describeIssues, genericSchema } from '../../protocol/schemas.ts'
import { commandOf, EVENTS } from '../../protocol/wire.ts'
import type { CommandName } from '../../protocol/wire.ts'
import { compact } from '../../util/compact.ts'
import { cancelStream } from './commands/cancel-stream.ts'
import { join } from './commands/join.ts'
import { leave } from './commands/leave.ts'
import { filterLogs, subscribeLogs, unsubscribeLogs } from './commands/logs.ts'
import { send } from './commands/send.ts'
import { typingStart, typingStop } from './commands/typing.ts'
import type { Connection } from './connection.ts'
import type { Command, Edge, Request } from './edge.ts'
import type { Acknowledge } from './own-message.ts'

/** Characters of a client's own words that an error message repeats. */
const MAX_QUOTED_LENGTH = 64

const COMMANDS: Readonly<Record<Exclude<CommandName, 'generic'>, Command>> = {
  join,
  leave,
  send,
  'cancel-stream': cancelStream,
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

interface Asked {
  readonly name: keyof typeof COMMANDS
  readonly payload: unknown
}

/** The command behind an event; `message` with `{ type, payload }` names any other by number or by name. */
function commandIn(event: string | number, payload: unknown): Asked {
  const name = commandOf(event)
  if (name === undefined) throw unknown('event', event)
  if (name !== 'generic') return { name, payload }
  const parsed = genericSchema.safeParse(payload)
  if (!parsed.success) {
    throw new ChannelError(
      'INVALID_PAYLOAD',
      `A generic message is { type, payload }: ${describeIssues(parsed.error)}`,
    )
  }
  const { type } = parsed.data
  const meant = commandOf(type)
  if (meant === undefined || meant === 'generic') throw unknown('message type', type)
  return { name: meant, payload: parsed.data.payload }
}

/** The client's id of a message that was refused, so that it knows which one. */
function clientMessageIdOf(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { messageId } = payload as { messageId?: unknown }
  return typeof messageId === 'string' ? messageId.slice(0, MAX_QUOTED_LENGTH * 2) : undefined
}

/**
 * What a message says that nothing has looked at yet; a generic one has it inside. Nothing of what names
 * another message than itself.
 */
function unread(event: string | number, payload: unknown): unknown {
  const command = commandOf(event)
  if (command === 'cancel-stream') return undefined
  const isGeneric = typeof payload === 'object' && payload !== null && 'payload' in payload
  if (!isGeneric || command !== 'generic') return payload
  const type = 'type' in payload && typeof payload.type === 'string' ? payload.type : ''
  return commandOf(type) === 'cancel-stream' ? undefined : payload.payload
}

function refuse(edge: Edge, request: Request, thrown: unknown): void {
  const error = toChannelError(thrown)
  if (error.code === 'INTERNAL') edge.logger.error({ err: error.cause }, 'command failed')
  const { code, message, retryable, retryAfterSeconds: retryAfter } = error
  const clientMessageId = clientMessageIdOf(request.payload)
  const answer = {
    error: message,
    code,
    retryable,
    ...compact({ retryAfter, clientMessageId }),
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
  if (!connection.isHeard) return
  const [event, ...args] = packet
  const callback = args.at(-1)
  const hasCallback = typeof callback === 'function'
  const acknowledge: Acknowledge = hasCallback ? (answer) => void callback(answer) : ignore
  const said = hasCallback && args.length === 1 ? undefined : args[0]
  const refusal = connection.meter.take()
  if (refusal !== undefined) {
    refuse(edge, { connection, payload: unread(event, said), acknowledge }, refusal)
    return
  }
  try {
    const { name, payload } = commandIn(event, said)
    // Decoded together with the client's goodbye: what it sent is still posted, nothing is joined.
    if (connection.isClosed && name !== 'send') return
    await connection.carryOut(() => COMMANDS[name](edge, { connection, payload, acknowledge }))
  } catch (error) {
    refuse(edge, { connection, payload: unread(event, said), acknowledge }, error)
  }
}
