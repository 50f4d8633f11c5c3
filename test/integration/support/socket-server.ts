import { once } from 'node:events'
import { createServer } from 'node:http'
import { pino } from 'pino'
import { Server } from 'socket.io'
import type { Namespace } from 'socket.io'
import { loadSettings } from '../../../src/config/load.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { ClientAddresses } from '../../../src/gateway/client-address.ts'
import { createIdentity } from '../../../src/gateway/identity/identity.ts'
import { Limits } from '../../../src/gateway/limits/limits.ts'
import { openSocketServer } from '../../../src/gateway/socket/server.ts'
import { openLocalLog } from '../../../src/log/local.ts'
import type { ChannelLog, Outcome } from '../../../src/log/log.ts'
import { createMemoryEngine } from '../../../src/log/memory/memory-engine.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import type { ChannelType, StreamEnd } from '../../../src/protocol/model.ts'
import { LiveChannels } from '../../../src/service/live.ts'
import { createServices } from '../../../src/service/services.ts'
import { newId } from '../../../src/util/new-id.ts'
import { createLocalQuotas } from './local-quotas.ts'

/** Socket.IO as a gateway serves it, over a log in memory, with a feed that a test may add frames to. */
export interface SocketServer extends AsyncDisposable {
  readonly url: string
  readonly live: LiveChannels
  readonly log: ChannelLog
}

type Adapter = Namespace['adapter']

/** Socket.IO's own, for one process; it is not exported. */
const OwnAdapter = new Server().of('/').adapter.constructor

/** Called with `new`, so no arrow. */
function createAdapter(namespace: Namespace): Adapter {
  return Reflect.construct(OwnAdapter, [namespace])
}

const nowMs = (): number => performance.now()

const nothing = (): void => undefined

const PRESENCE = {
  enter: nothing,
  leave: nothing,
  watch: nothing,
  unwatch: nothing,
  list: async () => [],
}

function settingsWith(overrides: Partial<Settings>): Settings {
  const loaded = loadSettings({})
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  return { ...loaded.settings, ...overrides }
}

export async function startSockets(overrides: Partial<Settings> = {}): Promise<SocketServer> {
  const settings = settingsWith(overrides)
  const logger = pino({ level: 'silent' })
  const live = new LiveChannels({ maxResumeEntries: 1_000, maxBacklogEntries: 1_000, logger })
  const log = openLocalLog({ engine: createMemoryEngine(), logger, consumer: live })
  live.attach(log)
  const addresses = new ClientAddresses(settings.trustProxy)
  const httpServer = createServer()
  const sockets = openSocketServer({
    httpServer,
    adapter: createAdapter,
    settings,
    services: createServices({ log, presence: PRESENCE, logger, limits: settings }),
    live,
    logStream: { subscribe: () => nothing },
    createSignals: () => ({ typing: nothing }),
    logger,
    generateSessionId: newId,
    identity: createIdentity(settings, logger),
    limits: new Limits({ settings, quotas: createLocalQuotas(nowMs), addresses, logger, nowMs }),
  })
  await once(httpServer.listen(0, '127.0.0.1'), 'listening')
  const address = httpServer.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    live,
    log,
    async [Symbol.asyncDispose]() {
      await sockets.close()
      await log.close()
    },
  }
}

/** Makes a channel in which an agent takes part, and perhaps others. */
export async function createAgentChannel(
  log: ChannelLog,
  type: ChannelType = 'GROUP',
  people: readonly string[] = [],
): Promise<string> {
  const id = newId()
  const participants = [
    ...people.map((entityId) => ({ entityId, isAgent: false })),
    { entityId: 'agent', isAgent: true },
  ]
  const channel = { id, name: 'Room', serverId: DEFAULT_SERVER_ID, type, metadata: {} }
  await log.append({ type: 'create-channel', id: newId(), channel: { ...channel, participants } })
  return id
}

/** Opens a stream of the agent, as the process that runs it does. The same `messageId` opens it again. */
export function openStream(
  log: ChannelLog,
  channelId: string,
  messageId = newId(),
): Promise<Outcome> {
  const body = { text: '', source: 'agent_response' }
  const clientMessageId = `re:${messageId}:0`
  const message = { id: messageId, channelId, authorId: 'agent', clientMessageId, body }
  return log.append({ type: 'open-stream', id: newId(), owner: 'a process', message })
}

export function endStream(
  log: ChannelLog,
  messageId: string,
  { text, state }: { readonly text: string; readonly state: StreamEnd },
): Promise<Outcome> {
  const body = { text, source: 'agent_response' }
  return log.append({ type: 'end-stream', id: newId(), messageId, state, body })
}
