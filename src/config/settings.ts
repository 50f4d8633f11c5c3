import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { AGENT_SETTINGS } from './agent-settings.ts'
import { IDENTITY_SETTINGS } from './identity-settings.ts'
import { LIMIT_SETTINGS } from './limit-settings.ts'
import { flag, setting, whole } from './setting.ts'

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
    help: 'Address to listen on. Anything but loopback needs a key or tokens (or `PARLEY_INSECURE=1`).',
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
    help: 'Processes that run the modules in `workers/`, and call the agents that are called over HTTP.',
  }),
  workersDir: setting({
    env: ['PARLEY_WORKERS_DIR'],
    schema: z.string().min(1, 'must not be empty').default('./workers'),
    shown: './workers',
    help: 'Directory of worker modules.',
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
  corsOrigin: setting({
    env: ['CORS_ORIGIN'],
    schema: z.string().min(1, 'must not be empty').default('*'),
    shown: '*',
    help: 'Origin that browsers may call from, or a comma-separated list; never with credentials.',
  }),
  ...AGENT_SETTINGS,
  ...IDENTITY_SETTINGS,
  ...LIMIT_SETTINGS,
} as const

type SettingName = keyof typeof SETTINGS

/** The settings as read at the start; plain data, so that it can be handed to child processes. */
export type Settings = {
  readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']>
}
