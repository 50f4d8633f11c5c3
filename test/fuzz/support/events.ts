import * as fc from 'fast-check'
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { LIMITS } from '../../../src/protocol/limits.ts'
import {
  cancelSchema,
  genericSchema,
  joinSchema,
  leaveSchema,
  logFilterSchema,
  sendSchema,
  typingSchema,
} from '../../../src/protocol/schemas.ts'
import { CLIENT_EVENTS, commandOf } from '../../../src/protocol/wire.ts'
import type { CommandName } from '../../../src/protocol/wire.ts'
import { attempts, ofSchema } from './from-schema.ts'
import type { Ground, JsonSchema } from './from-schema.ts'
import { nasty, words } from './nasty.ts'
import { plain, write } from './written.ts'
import type { Written } from './written.ts'

const described = (schema: z.ZodType): JsonSchema => {
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  const parsed: JsonSchema = JSON.parse(text)
  return parsed
}

const PAYLOADS: Readonly<Record<CommandName, JsonSchema>> = {
  join: described(joinSchema),
  leave: described(leaveSchema),
  send: described(sendSchema),
  'cancel-stream': described(cancelSchema),
  generic: described(genericSchema),
  'typing-start': described(typingSchema),
  'typing-stop': described(typingSchema),
  'logs-subscribe': {},
  'logs-unsubscribe': {},
  'logs-filter': described(logFilterSchema),
}

function payloadOf(event: string, ground: Ground): fc.Arbitrary<Written> {
  return attempts(PAYLOADS[commandOf(event) ?? 'join'], ground)
}

/** `message` with a type that means something, and that one's payload. */
function generic(ground: Ground): fc.Arbitrary<Written> {
  return fc.constantFrom(...CLIENT_EVENTS).chain((type) =>
    fc
      .tuple(fc.constantFrom(type, Number(type)), payloadOf(type, ground))
      .map(([named, payload]) => ({
        fields: [
          ['type', plain(Number.isNaN(named) ? type : named)],
          ['payload', payload],
        ],
      })),
  )
}

const unknownNames: fc.Arbitrary<Written> = fc.oneof(
  words.map(plain),
  fc
    .constantFrom(
      'messageBroadcast',
      'error',
      'ping',
      'connection',
      'c:fuzz-a',
      'on',
      'emit',
      3,
      0.5,
      -1,
    )
    .map(plain),
)

const known = (ground: Ground): fc.Arbitrary<readonly Written[]> =>
  fc.constantFrom(...CLIENT_EVENTS).chain((event) => {
    const name = fc.constantFrom(...(/^\d+$/.test(event) ? [event, Number(event)] : [event]))
    const payload =
      commandOf(event) === 'generic'
        ? fc.oneof(generic(ground), payloadOf(event, ground))
        : payloadOf(event, ground)
    return fc.tuple(name.map(plain), payload)
  })

/** The arguments of an event, name first, as they are written. */
export function eventArguments(ground: Ground): fc.Arbitrary<string> {
  const all: fc.Arbitrary<readonly Written[]> = fc.oneof(
    { weight: 12, arbitrary: known(ground) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...CLIENT_EVENTS).map(plain)) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...CLIENT_EVENTS).map(plain), nasty, nasty, nasty),
    },
    { weight: 1, arbitrary: fc.tuple(unknownNames, nasty) },
  )
  return all.map((list) => write({ list }))
}

/** Names that Socket.IO keeps for itself: a packet with one breaks the protocol. */
const RESERVED = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
])

/** True for arguments that are an event to Socket.IO, which has to be answered. */
export function isEvent(args: string): boolean {
  const bytes = Buffer.from(args, 'latin1')
  // With the packet's type and the number of its acknowledgement.
  if (bytes.length > LIMITS.maxFrameBytes - 20 || !isUtf8(bytes)) return false
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    if (!Array.isArray(parsed)) return false
    const [name]: unknown[] = parsed
    return typeof name === 'number' || (typeof name === 'string' && !RESERVED.has(name))
  } catch {
    // Any SyntaxError: no JSON, no event.
    return false
  }
}

/** Packets that are no events: Engine.IO's and Socket.IO's own, cut, out of order, or none at all. */
export function strangePackets(ground: Ground): fc.Arbitrary<string> {
  const fixed = fc.constantFrom(
    '',
    '0',
    '1',
    '2probe',
    '3',
    '3probe',
    '4',
    '5',
    '6',
    '7',
    '40',
    '40{"token":1}',
    '40/other,',
    '40/__proto__,{}',
    '41',
    '41/other,',
    '42',
    '42[',
    '42{}',
    '42null',
    '42[]',
    '42[null]',
    '42[{}]',
    '42["disconnect"]',
    '42["newListener","x"]',
    '42/other,["message",{}]',
    '421e9["message",{}]',
    '42-1["message",{}]',
    '42999999999999999999999["message",{}]',
    '43',
    '430[]',
    '4399999[{"a":1}]',
    '431{}',
    '44{"message":"no"}',
    '45',
    '450-["message"]',
    '451-["message",{"_placeholder":true,"num":0}]',
    '45999999999-["message",{"_placeholder":true,"num":0}]',
    '452-["message",{"_placeholder":true,"num":5}]',
    '451-/other,["message",{"_placeholder":true,"num":0}]',
    '461-0[{"_placeholder":true,"num":0}]',
    '47[]',
    '4\uFFFF'.replace('\uFFFF', '\xFF\xFE'),
    'b4AAAA',
    'bnot base64',
    '\x1E\x1E\x1E',
  )
  const event = fc.tuple(
    fc.constantFrom('42', '421', '45', '46', '40', '44'),
    eventArguments(ground),
  )
  const connect = ofSchema({}, ground).map((auth) => `40${write(auth)}`)
  return fc.oneof(
    { weight: 4, arbitrary: fixed },
    { weight: 1, arbitrary: event.map(([type, args]) => type + args) },
    { weight: 1, arbitrary: connect },
  )
}

const CREDENTIALS: JsonSchema = {
  type: 'object',
  properties: {
    token: { type: ['string', 'object', 'array'] },
    apiKey: { type: ['string', 'number', 'null'] },
    entityId: { type: ['string', 'number', 'object'] },
  },
}

/** What stands behind the CONNECT packet of a handshake: who somebody says they are. */
export function handshakes(ground: Ground): fc.Arbitrary<string> {
  return attempts(CREDENTIALS, ground).map(write)
}
