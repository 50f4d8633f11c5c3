import { LIMITS } from '../protocol/limits.ts'
import { setting, whole } from './setting.ts'

/** What the server does at most; each has a stated result when it is reached. */
export const LIMIT_SETTINGS = {
  maxPending: setting({
    env: ['PARLEY_MAX_PENDING'],
    schema: whole(1, 1_000_000).default(20_000),
    shown: '20000',
    help: 'Changes that may wait for the disk, in the writer and in each gateway. Past it a send fails with `OVERLOADED`.',
  }),
  maxPendingBytes: setting({
    env: ['PARLEY_MAX_PENDING_BYTES'],
    schema: whole(1_000_000, 4_000_000_000).default(64_000_000),
    shown: '64000000',
    help: 'Bytes of changes that may wait for the disk, likewise.',
  }),
  appendTimeoutMs: setting({
    env: ['PARLEY_APPEND_TIMEOUT_MS'],
    schema: whole(100, 600_000).default(20_000),
    shown: '20000',
    help: 'Milliseconds a change may wait for a writer that is away. Past it a send fails with `WRITER_UNAVAILABLE`.',
  }),
  maxResumeEntries: setting({
    env: ['PARLEY_MAX_RESUME_ENTRIES'],
    schema: whole(0, 100_000).default(1_000),
    shown: '1000',
    help: 'Most entries that a resume replays; a larger gap, or one of more than 8 MiB, is answered `recovered: false`.',
  }),
  maxQueueBytes: setting({
    env: ['PARLEY_MAX_QUEUE_BYTES'],
    schema: whole(65_536, 1_000_000_000).default(4_000_000),
    shown: '4000000',
    help: 'Bytes that may wait for one slow connection. Past it the connection is closed with 4001: reconnect and resume.',
  }),
  maxChannelsPerConnection: setting({
    env: ['PARLEY_MAX_CHANNELS_PER_CONNECTION'],
    schema: whole(1, 100_000).default(1_000),
    shown: '1000',
    help: 'Channels that one connection may have joined. Past it a join fails with `TOO_MANY_CHANNELS`.',
  }),
  maxMessageBytes: setting({
    env: ['PARLEY_MAX_MESSAGE_BYTES'],
    schema: whole(1, LIMITS.maxMessageBytes).default(500_000),
    shown: '500000',
    help: 'UTF-8 bytes of a message’s text. Past it: `PAYLOAD_TOO_LARGE`.',
  }),
  maxAttachmentBytes: setting({
    env: ['PARLEY_MAX_ATTACHMENT_BYTES'],
    schema: whole(0, LIMITS.maxAttachmentBytes).default(500_000),
    shown: '500000',
    help: 'Bytes of JSON of a message’s attachments together, and of its `raw_message`. Past it: `PAYLOAD_TOO_LARGE`.',
  }),
  maxMetadataBytes: setting({
    env: ['PARLEY_MAX_METADATA_BYTES'],
    schema: whole(0, LIMITS.maxMetadataBytes).default(LIMITS.maxMetadataBytes),
    shown: '65536',
    help: 'Bytes of JSON of one `metadata`, of a message, channel or server. Past it: `PAYLOAD_TOO_LARGE`.',
  }),
  maxJsonDepth: setting({
    env: ['PARLEY_MAX_JSON_DEPTH'],
    schema: whole(1, LIMITS.maxJsonDepth).default(LIMITS.maxJsonDepth),
    shown: '16',
    help: 'Levels of nesting of metadata, attachments and raw messages. Past it: `INVALID_PAYLOAD`.',
  }),
  maxPageRows: setting({
    env: ['PARLEY_MAX_PAGE_ROWS'],
    schema: whole(1, LIMITS.maxPageRows).default(LIMITS.maxPageRows),
    shown: '500',
    help: 'Rows in one page of messages; a larger `limit` is cut to it.',
  }),
  maxParticipants: setting({
    env: ['PARLEY_MAX_PARTICIPANTS'],
    schema: whole(2, 1_000_000).default(10_000),
    shown: '10000',
    help: 'Participants of one channel. Past it: `TOO_MANY_PARTICIPANTS`, and nobody is added.',
  }),
  maxConnectionsPerEntity: setting({
    env: ['PARLEY_MAX_CONNECTIONS_PER_ENTITY'],
    schema: whole(1, 1_000_000).default(100),
    shown: '100',
    help: 'Sockets at a time of one entity that came with a token, on all gateways. Past it a connect fails with `TOO_MANY_CONNECTIONS` (`retryAfter: 5`).',
  }),
  maxConnectionsPerAddress: setting({
    env: ['PARLEY_MAX_CONNECTIONS_PER_ADDRESS'],
    schema: whole(1, 1_000_000).default(1_000),
    shown: '1000',
    help: 'Sockets at a time of one client address, on all gateways. Past it a connect fails with `TOO_MANY_CONNECTIONS`. Loopback is not counted.',
  }),
  connectsPerSecond: setting({
    env: ['PARLEY_CONNECTS_PER_SECOND'],
    schema: whole(1, 1_000_000).default(100),
    shown: '100',
    help: 'Connects in a second from one client address, failed ones too, on all gateways; and ten times as many new sessions, of whoever they will be. Past it a connect fails with `RATE_LIMITED`. Loopback is not counted.',
  }),
  eventsPerSecond: setting({
    env: ['PARLEY_EVENTS_PER_SECOND'],
    schema: whole(1, 1_000_000).default(2_000),
    shown: '2000',
    help: 'Events in a second of one socket, whoever it is. Past it an event is refused with `RATE_LIMITED`; past ten times as many the transport is closed with 4101.',
  }),
  entityEventsPerSecond: setting({
    env: ['PARLEY_ENTITY_EVENTS_PER_SECOND'],
    schema: whole(1, 1_000_000).default(4_000),
    shown: '4000',
    help: 'Events and REST requests in a second of one entity with the role `user`, on all gateways. Past it: `RATE_LIMITED`.',
  }),
  requestsPerSecond: setting({
    env: ['PARLEY_REQUESTS_PER_SECOND'],
    schema: whole(1, 1_000_000).default(200),
    shown: '200',
    help: 'REST requests in a second from one client address, on all gateways; those with the API key or an agent’s or administrator’s token are not counted, nor is loopback. Past it: 429 `RATE_LIMITED`.',
  }),
  keyRequestsPerSecond: setting({
    env: ['PARLEY_KEY_REQUESTS_PER_SECOND'],
    schema: whole(1, 1_000_000).default(50_000),
    shown: '50000',
    help: 'REST requests in a second with the API key, on all gateways. Past it: 429 `RATE_LIMITED`.',
  }),
  maxLogSubscribers: setting({
    env: ['PARLEY_MAX_LOG_SUBSCRIBERS'],
    schema: whole(0, 10_000).default(50),
    shown: '50',
    help: 'Sockets of one gateway that watch the log at a time. Past it `subscribe_logs` fails with `TOO_MANY_SUBSCRIBERS`.',
  }),
  maxHeaderBytes: setting({
    env: ['PARLEY_MAX_HEADER_BYTES'],
    schema: whole(2_048, 131_072).default(16_384),
    shown: '16384',
    help: 'Bytes of a request’s path, query, header names and header values together; past it: 431, and the connection is closed. And characters of a socket’s handshake; past it the transport is closed with 4300.',
  }),
  maxUrlBytes: setting({
    env: ['PARLEY_MAX_URL_BYTES'],
    schema: whole(256, 65_536).default(8_192),
    shown: '8192',
    help: 'Bytes of a request’s path and query. Past it: 414.',
  }),
} as const
