import { availableParallelism } from 'node:os'
import { z } from 'zod'

/** One setting: where it comes from, what it may be, and what it means to the person who sets it. */
interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Environment names in order of precedence; the first is the name in messages and docs. */
  readonly env: readonly [string, ...string[]]
  readonly schema: Schema
  /** What the README's table shows as the default. */
  readonly shown: string
  readonly help: string
  /** Its value is never shown, not even in the message that refuses it. */
  readonly isSecret?: true
}

const setting = <Schema extends z.ZodType>(value: Setting<Schema>): Setting<Schema> => value

const whole = (min: number, max: number) =>
  z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)

const flag = z
  .enum(['0', '1', 'true', 'false'], 'must be 0, 1, true or false')
  .transform((value) => value === '1' || value === 'true')

const optionalText = z.string().optional()

const reserved = z.string().max(0, 'is not supported by this release; unset it').optional()

/** Every setting, once. The README's table, the start-up check and the children read this. */
export const SETTINGS = {
  port: setting({
    env: ['PARLEY_PORT', 'PORT', 'SERVER_PORT'],
    schema: whole(0, 65_535).default(3000),
    shown: '3000',
    help: 'Port for HTTP and Socket.IO; 0 picks a free one.',
  }),
  host: setting({
    env: ['PARLEY_HOST'],
    schema: z.string().min(1, 'must not be empty').default('127.0.0.1'),
    shown: '127.0.0.1',
    help: 'Address to listen on. Anything but loopback needs `PARLEY_API_KEY` (or `PARLEY_INSECURE=1`).',
  }),
  dataDir: setting({
    env: ['PARLEY_DATA_DIR'],
    schema: z.string().min(1, 'must not be empty').default('./data'),
    shown: './data',
    help: 'Directory of the database; created when missing. One server per directory.',
  }),
  gateways: setting({
    env: ['PARLEY_GATEWAYS'],
    schema: whole(1, 256).default(() => availableParallelism()),
    shown: 'number of cores',
    help: 'Gateway processes that serve clients.',
  }),
  agentHosts: setting({
    env: ['PARLEY_AGENT_HOSTS'],
    schema: whole(0, 64).default(1),
    shown: '1',
    help: 'Processes that run the modules in `workers/`.',
  }),
  workersDir: setting({
    env: ['PARLEY_WORKERS_DIR'],
    schema: z.string().min(1, 'must not be empty').default('./workers'),
    shown: './workers',
    help: 'Directory of worker modules.',
  }),
  apiKey: setting({
    env: ['PARLEY_API_KEY', 'ELIZA_SERVER_AUTH_TOKEN', 'SERVER_API_KEY'],
    schema: optionalText,
    shown: '',
    isSecret: true,
    help: 'Key that REST calls (`X-API-KEY`) and socket handshakes (`auth.apiKey`) must carry. Empty: open mode, loopback only.',
  }),
  jwtSecret: setting({
    env: ['PARLEY_JWT_SECRET'],
    schema: reserved,
    shown: '',
    isSecret: true,
    help: 'Reserved for token identities; a start with it is refused until this release supports them.',
  }),
  jwksUrl: setting({
    env: ['PARLEY_JWKS_URL'],
    schema: reserved,
    shown: '',
    help: 'Reserved for token identities; a start with it is refused until this release supports them.',
  }),
  logLevel: setting({
    env: ['PARLEY_LOG_LEVEL'],
    schema: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be fatal, error, warn, info, debug, trace or silent',
      )
      .default('info'),
    shown: 'info',
    help: 'Least level that is logged.',
  }),
  durability: setting({
    env: ['PARLEY_DURABILITY'],
    schema: z.enum(['full', 'normal'], 'must be full or normal').default('full'),
    shown: 'full',
    help: '`full`: acknowledged means fsynced. `normal`: a power cut may lose the last moments; a killed process loses nothing.',
  }),
  drainMs: setting({
    env: ['PARLEY_DRAIN_MS'],
    schema: whole(0, 600_000).default(10_000),
    shown: '10000',
    help: 'Milliseconds that a stop gives to connections before it cuts them.',
  }),
  isInsecure: setting({
    env: ['PARLEY_INSECURE'],
    schema: flag.default(false),
    shown: '0',
    help: '`1` lifts the checks of open mode: public host, forwarding headers, foreign hosts and origins.',
  }),
  trustProxy: setting({
    env: ['PARLEY_TRUST_PROXY'],
    schema: z.literal('0', 'must be 0: this release believes no forwarding header').default('0'),
    shown: '0',
    help: 'Number of reverse proxies whose `X-Forwarded-For` is believed. Reserved: this release believes none and takes only 0.',
  }),
  corsOrigin: setting({
    env: ['CORS_ORIGIN'],
    schema: z.string().min(1, 'must not be empty').default('*'),
    shown: '*',
    help: 'Origin that browsers may call from, or a comma-separated list; never with credentials.',
  }),
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
} as const

type SettingName = keyof typeof SETTINGS

/** The settings as read at the start; plain data, so that it can be handed to child processes. */
export type Settings = {
  readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']>
}
