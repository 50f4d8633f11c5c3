import { randomUUID } from 'node:crypto'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { measureRest } from '../rest/rest-load.ts'
import { requestText } from '../rest/rest-plan.ts'
import { startRestServer } from '../rest/rest-server.ts'
import type { Scenario, ServerUnderTest } from '../scenario.ts'

const CHANNEL_COUNT = 100
/** As many as the sockets of `closed-200`. */
const CONNECTION_COUNT = 200
const REQUEST_TIMEOUT_MS = 10_000
const CHANNELS = '/api/messaging/channels'

/** Creates channels with two participants each; answers their ids. */
async function createChannels(server: ServerUnderTest): Promise<readonly string[]> {
  const ids = Array.from({ length: CHANNEL_COUNT }, () => randomUUID())
  for (const [index, id] of ids.entries()) {
    const answer = await fetch(`http://127.0.0.1:${server.port}${CHANNELS}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        id,
        name: `Channel ${index}`,
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: [randomUUID(), randomUUID()],
      }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    const text = await answer.text()
    if (answer.status !== 201) throw new Error(`no channel: ${answer.status} ${text}`)
  }
  return ids
}

const COMMON = {
  sides: ['parley', 'peer'],
  headline: [
    'requestsPerSecond',
    'p50Ms',
    'p99Ms',
    'cpuMicrosPerRequest',
    'serverCores',
    'generatorCores',
  ],
  targets: [{ kind: 'ratio', metric: 'requestsPerSecond', atLeast: 5 }],
  start: startRestServer,
} as const

/** Reads of a channel with its participants by clients that keep their connections. */
export const restGet: Scenario = {
  ...COMMON,
  name: 'rest-get',
  title: `REST: GET channel details, ${CONNECTION_COUNT} keep-alive connections`,
  measure: async (server, options) => {
    const ids = await createChannels(server)
    const requests = ids.map((id) =>
      requestText({ method: 'GET', path: `${CHANNELS}/${id}/details` }),
    )
    return measureRest(server, { connectionCount: CONNECTION_COUNT, requests }, options)
  },
}

/** Messages over REST: Parley's are fsynced, numbered and delivered, the peer's are inserted. */
export const restPost: Scenario = {
  ...COMMON,
  name: 'rest-post',
  title: `REST: POST message, ${CONNECTION_COUNT} keep-alive connections`,
  measure: async (server, options) => {
    const ids = await createChannels(server)
    const requests = ids.map((id) =>
      requestText({
        method: 'POST',
        path: `${CHANNELS}/${id}/messages`,
        body: {
          author_id: randomUUID(),
          message_server_id: DEFAULT_SERVER_ID,
          content: 'parley '.repeat(15).trim(),
          author_display_name: 'Load',
        },
      }),
    )
    return measureRest(server, { connectionCount: CONNECTION_COUNT, requests }, options)
  },
}
