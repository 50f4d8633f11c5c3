import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { CLIENT_EVENTS } from '../../src/protocol/wire.ts'
import type { Client, ConnectOptions } from './support/client.ts'
import { connect } from './support/client.ts'
import { newId } from '../../src/util/new-id.ts'
import { rest } from './support/rest.ts'
import { API_KEY, startTokenServer } from './support/token-server.ts'
import type { TokenServer } from './support/token-server.ts'

const ROLES = ['anyone', 'service', 'admin', 'agent', 'user'] as const
type Role = (typeof ROLES)[number]

/** `unjoined`: as it is answered to everybody who is not in the channel, whatever the channel. */
type Outcome = 'done' | 'ACCESS_DENIED' | 'unjoined'

interface Row {
  /** What those are answered who are held to what they take part in, in a private channel. */
  readonly participant: Outcome
  readonly stranger: Outcome
}

const FOR_ALL: Row = { participant: 'done', stranger: 'done' }
const FOR_PARTICIPANTS: Row = { participant: 'done', stranger: 'ACCESS_DENIED' }
const FOR_MEMBERS: Row = { participant: 'done', stranger: 'unjoined' }
const FOR_ADMINISTRATORS: Row = { participant: 'ACCESS_DENIED', stranger: 'ACCESS_DENIED' }

/** Every event that a client may send; `anyone`, `service` and `admin` are answered `done` by all of them. */
const TABLE: Readonly<Record<string, Row>> = {
  '1': FOR_PARTICIPANTS,
  room_joining: FOR_PARTICIPANTS,
  ROOM_JOINING: FOR_PARTICIPANTS,
  join: FOR_PARTICIPANTS,
  '2': FOR_PARTICIPANTS,
  send_message: FOR_PARTICIPANTS,
  SEND_MESSAGE: FOR_PARTICIPANTS,
  // Tells nothing: answered alike for channels that one was never in and that do not exist.
  leave: FOR_ALL,
  room_leaving: FOR_ALL,
  ROOM_LEAVING: FOR_ALL,
  // Answered with STREAM_NOT_FOUND where it gets as far: no message is named that there is.
  cancel_stream: FOR_PARTICIPANTS,
  // Stands for each of the others, by its `type`.
  message: FOR_ALL,
  typing_start: FOR_MEMBERS,
  typing_stop: FOR_MEMBERS,
  subscribe_logs: FOR_ADMINISTRATORS,
  unsubscribe_logs: FOR_ADMINISTRATORS,
  update_log_filters: FOR_ADMINISTRATORS,
}

const CASES = ROLES.flatMap((role) =>
  [true, false].map((isParticipant) => ({
    role,
    isParticipant,
    where: isParticipant ? 'takes part' : 'takes no part',
  })),
)

const isHeld = (role: Role): boolean => role === 'user' || role === 'agent'

function expected(row: Row, role: Role, isParticipant: boolean): Outcome {
  if (!isHeld(role)) return 'done'
  return isParticipant ? row.participant : row.stranger
}

/** Sends the event in one spelling, from inside the channel where the client gets there. */
async function outcomeOf(
  client: Client,
  channelId: string,
  asked: { readonly event: string; readonly isGeneric: boolean },
): Promise<unknown> {
  const { event, isGeneric } = asked
  await client.join(channelId)
  if (event === 'update_log_filters') await client.request('subscribe_logs')
  const about = event === 'cancel_stream' ? { messageId: newId() } : {}
  const payload = { channelId, message: 'text', level: 'all', ...about }
  const answer = isGeneric
    ? await client.request('message', { type: event, payload })
    : await client.request(event, payload)
  if (answer['code'] === 'INVALID_PAYLOAD' && String(answer['error']).startsWith('Join ')) {
    return 'unjoined'
  }
  return answer['code'] === 'STREAM_NOT_FOUND' ? 'done' : (answer['code'] ?? 'done')
}

it('has a row for every event, and for no other', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual([...CLIENT_EVENTS].toSorted())
})

describe('every event, for every role', () => {
  let server: TokenServer
  let open: TestServer
  beforeAll(async () => {
    ;[server, open] = await Promise.all([
      startTokenServer(1),
      startServer({ PARLEY_GATEWAYS: '1', PARLEY_AGENT_HOSTS: '0' }),
    ])
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await open[Symbol.asyncDispose]()
  })

  /** A private channel of the owner, and of the caller where it takes part. */
  async function privateChannel(role: Role, isParticipant: boolean): Promise<string> {
    if (role !== 'anyone') {
      return isParticipant ? server.channel(['owner', 'caller']) : server.channel(['owner'])
    }
    const { data } = await rest(open.url, 'POST /api/messaging/channels', {
      name: 'a channel',
      message_server_id: '00000000-0000-0000-0000-000000000000',
      participantCentralUserIds: isParticipant ? ['owner', 'caller'] : ['owner'],
      visibility: 'private',
    })
    return String(data['id'])
  }

  async function handshakeOf(role: Role): Promise<ConnectOptions> {
    if (role === 'anyone') return { entityId: 'caller' }
    if (role === 'service') return { auth: { apiKey: API_KEY, entityId: 'caller' } }
    return server.as('caller', { role })
  }

  it.each(CASES)('$role who $where', async ({ role, isParticipant }) => {
    const channelId = await privateChannel(role, isParticipant)
    const url = role === 'anyone' ? open.url : server.url
    await using client = await connect(url, await handshakeOf(role))
    for (const [event, row] of Object.entries(TABLE)) {
      if (event === 'message') continue
      for (const isGeneric of [false, true]) {
        const outcome = await outcomeOf(client, channelId, { event, isGeneric })
        expect({ event, isGeneric, outcome }).toEqual({
          event,
          isGeneric,
          outcome: expected(row, role, isParticipant),
        })
      }
    }
  })
})
