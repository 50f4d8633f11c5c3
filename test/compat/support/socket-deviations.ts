import { expect } from 'vitest'
import type { Payload } from './client.ts'
import type { Expected, Step } from './socket-golden.ts'
import { ACK_STATUS, JOIN_NEEDS, SEND_NEEDS, SERVER } from './words.ts'

/** Where Parley does something else than the recorded server, on purpose. */
export interface Deviation {
  readonly scenario: string
  readonly step: number
  readonly why: string
  /** What comes instead, by socket; sockets that are not named get what was recorded. */
  readonly came?: Step['came']
  /** The REST answer instead of the recorded one. */
  readonly body?: unknown
}

const WHY = {
  open: 'open mode takes handshakes without an entity: clients before 1.6.5 send none',
  ids: 'ids are 1–128 characters of A-Z a-z 0-9 . _ : @ -, not only UUIDs',
  noSilence: 'a malformed or unknown event gets a messageError, never silence',
  idIsText: 'an id is a string; one join is one channel',
  text: 'message is a string; nothing else is stored, and no error shows SQL',
  types: 'string types and the names of events mean what they say',
  leave: 'there is a leave event',
  server: 'messageServerId may be missing, and an existing channel keeps its own',
  sender: 'senderId defaults to the handshake’s entity',
  repeat: 'a repeated messageId is the same message: the first acknowledgement and nothing else',
  filters: 'filters are agentName and level; anything else is refused or left out',
  stored: 'NUL and half surrogate pairs are stored and delivered',
  binary: 'binary data is refused',
} as const

const ALICE = 'aaaaaaaa-0000-4000-8000-000000000001'

const refused = (error: unknown): Expected => ['messageError', { error, retryable: false }]
const MUST_BE_STRING = expect.stringContaining('must be a string') as unknown

const joined = (channelId: string): Expected[] => [
  ['channel_joined', { channelId, roomId: channelId }],
  ['room_joined', { channelId, roomId: channelId }],
]
const sent = (channelId: string, fields: Payload): Expected[] => [
  [
    'messageBroadcast',
    { channelId, roomId: channelId, senderId: ALICE, messageServerId: SERVER, ...fields },
  ],
  ['messageAck', { channelId, roomId: channelId, status: ACK_STATUS }],
]
const broadcast = (channelId: string, fields: Payload): Expected[] =>
  sent(channelId, fields).slice(0, 1)

const C10 = 'c0000000-0532-4252-8000-000000000001'
const C11B = 'c0000000-0532-4252-8000-000000000003'
const C16 = 'c0000000-0532-4252-8000-000000000009'
const C16B = 'c0000000-0532-4252-8000-000000000010'
const C27 = 'c0000000-0533-4301-8000-000000000001'

const aliceGets = (
  scenario: string,
  why: string,
  byStep: Readonly<Record<number, readonly Expected[]>>,
): Deviation[] =>
  Object.entries(byStep).map(([step, alice]) => ({
    scenario,
    why,
    step: Number(step),
    came: { alice },
  }))

const noSilence = (scenario: string, step: number, error: unknown): Deviation[] =>
  aliceGets(scenario, WHY.noSilence, { [step]: [refused(error)] })

/** Everything that is meant to differ; whatever else differs is a mistake. */
export const DEVIATIONS: readonly Deviation[] = [
  ...noSilence('h01-join-null', 1, JOIN_NEEDS),
  ...noSilence('h02-join-undefined', 1, JOIN_NEEDS),
  ...noSilence('h03-send-null', 1, SEND_NEEDS),
  ...noSilence('h04-send-undefined', 1, SEND_NEEDS),
  ...noSilence('h07-generic-null-payload', 1, SEND_NEEDS),
  ...noSilence('h08-generic-join-null', 1, JOIN_NEEDS),
  ...aliceGets('h09-filters-string', WHY.filters, {
    2: [['log_filters_updated', { success: false, error: expect.any(String) }]],
  }),
  ...aliceGets('h10-proto-filters', WHY.filters, {
    2: [['log_filters_updated', { success: false, error: expect.stringContaining('level') }]],
  }),
  ...aliceGets('s01-connect-no-auth', WHY.open, { 0: [['connection_established', {}]] }),
  ...aliceGets('s02-connect-bad-entity', WHY.ids, {
    0: [
      ['authenticated', { entityId: 'not-a-uuid' }],
      ['connection_established', {}],
    ],
  }),
  ...aliceGets('s05-join-variants', WHY.idIsText, {
    6: [refused(expect.stringContaining('channelId'))],
    7: [refused(expect.stringContaining('channelId'))],
  }),
  ...aliceGets('s10-send-missing-fields', WHY.ids, {
    3: sent('bad', { text: 'm' }),
    7: sent(C10, { text: 'm', senderId: 'bad' }),
  }),
  ...aliceGets('s10-send-missing-fields', WHY.server, {
    4: sent(C10, { text: 'm' }),
    5: sent(C10, { text: 'm' }),
  }),
  ...aliceGets('s10-send-missing-fields', WHY.sender, { 6: sent(C10, { text: 'm' }) }),
  ...aliceGets('s10-send-missing-fields', WHY.text, { 10: [refused(MUST_BE_STRING)] }),
  ...aliceGets('s11b-send-unknown-server-existing-channel', WHY.server, {
    3: sent(C11B, { text: 'wrong server', clientMessageId: 'q' }),
  }),
  ...aliceGets('s14-send-nonstring', WHY.text, {
    4: [refused(MUST_BE_STRING)],
    5: [refused(MUST_BE_STRING)],
    6: [refused(MUST_BE_STRING)],
    7: [refused(MUST_BE_STRING)],
  }),
  { scenario: 's14-send-nonstring', step: 6, why: WHY.text, came: { bob: [] } },
  { scenario: 's14-send-nonstring', step: 8, why: WHY.text, body: { data: { messages: [] } } },
  {
    scenario: 's15-send-duplicate-clientid',
    step: 5,
    why: WHY.repeat,
    came: {
      // The recording's id of the first message: the repeated send is acknowledged with it.
      alice: [
        [
          'messageAck',
          { messageId: 'f264451e-42d8-4a1f-a2cc-cd66208037a6', clientMessageId: 'dup-1' },
        ],
      ],
      bob: [],
    },
  },
  {
    scenario: 's15-send-duplicate-clientid',
    step: 6,
    why: WHY.repeat,
    body: { data: { messages: [{ content: 'dup', sourceId: 'dup-1' }] } },
  },
  ...aliceGets('s16-generic-message', WHY.types, {
    5: joined(C16),
    6: sent(C16, { text: 'x' }),
  }),
  {
    scenario: 's16-generic-message',
    step: 6,
    why: WHY.types,
    came: { bob: broadcast(C16, { text: 'x' }) },
  },
  ...aliceGets('s16-generic-message', WHY.noSilence, {
    7: [refused(expect.stringContaining('99'))],
    10: [refused(expect.any(String))],
    11: [refused(expect.any(String))],
    12: [refused(expect.any(String))],
  }),
  ...aliceGets('s16b-named-events', WHY.types, {
    1: joined(C16B),
    2: sent(C16B, { text: 'x' }),
    3: joined(C16B),
  }),
  ...aliceGets('s16b-named-events', WHY.noSilence, {
    4: [refused(expect.stringContaining('3'))],
    5: [refused(expect.stringContaining('4'))],
    6: [refused(expect.stringContaining('5'))],
    7: [refused(expect.stringContaining('6'))],
  }),
  ...aliceGets('s16b-named-events', WHY.leave, {
    8: [['channel_left', { channelId: C16B, roomId: C16B }]],
  }),
  ...aliceGets('s17-logs', WHY.filters, {
    5: [['log_filters_updated', { success: true, filters: { level: 'info', agentName: 'all' } }]],
    8: [['log_filters_updated', { success: true, filters: { level: 'info', agentName: 'all' } }]],
  }),
  ...aliceGets('s26-binary', WHY.binary, { 4: [refused(expect.stringContaining('binary'))] }),
  { scenario: 's26-binary', step: 4, why: WHY.binary, came: { bob: [] } },
  { scenario: 's26-binary', step: 5, why: WHY.binary, body: { data: { messages: [] } } },
  ...aliceGets('s27-unicode', WHY.stored, {
    6: sent(C27, { text: 'nul\0byte' }),
    7: sent(C27, { text: expect.stringMatching(/^lone.surrogate$/u) }),
  }),
  {
    scenario: 's27-unicode',
    step: 6,
    why: WHY.stored,
    came: { bob: broadcast(C27, { text: 'nul\0byte' }) },
  },
  {
    scenario: 's27-unicode',
    step: 7,
    why: WHY.stored,
    came: { bob: broadcast(C27, { text: expect.stringMatching(/^lone.surrogate$/u) }) },
  },
]
