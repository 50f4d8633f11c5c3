import { randomUUID } from 'node:crypto'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { measureRest } from '../rest/rest-load.ts'
import { FRESH_ID, requestText } from '../rest/rest-plan.ts'
import type { Measurement, MeasureOptions, ServerUnderTest } from '../scenario.ts'
import { channelIdOf } from './fill.ts'

const SENDING_CONNECTIONS = 64
/** Few: what counts is how long one reader waits for a page. */
const READING_CONNECTIONS = 8
/** Different requests for pages; each names a channel and a place at random. */
const PAGE_REQUESTS = 20_000
const PAGE_ROWS = 50

export interface History {
  readonly channelCount: number
  readonly rowCount: number
}

const pathOf = (index: number): string => `/api/messaging/channels/${channelIdOf(index)}/messages`

/**
 * One message to each channel; the load draws from them, so all channels are busy. Their random client ids
 * are the dearest that clients make: each falls into another page of its index.
 */
function postRequests({ channelCount }: History): string[] {
  return Array.from({ length: channelCount }, (_, index) =>
    requestText({
      method: 'POST',
      path: pathOf(index),
      body: {
        author_id: randomUUID(),
        message_server_id: DEFAULT_SERVER_ID,
        content: 'parley '.repeat(15).trim(),
        author_display_name: 'Load',
        messageId: FRESH_ID,
      },
    }),
  )
}

function pageRequests({ channelCount, rowCount }: History): string[] {
  const lastSeq = Math.floor(rowCount / channelCount)
  return Array.from({ length: PAGE_REQUESTS }, () => {
    const index = Math.floor(Math.random() * channelCount)
    const beforeSeq = PAGE_ROWS + 1 + Math.floor(Math.random() * (lastSeq - PAGE_ROWS))
    const query = `limit=${PAGE_ROWS}&beforeSeq=${beforeSeq}`
    return requestText({ method: 'GET', path: `${pathOf(index)}?${query}` })
  })
}

/** Posts over all channels, then pages of history from all over it. */
export async function measureHistory(
  server: ServerUnderTest,
  options: MeasureOptions,
  history: History,
): Promise<Measurement> {
  const posts = await measureRest(
    server,
    { connectionCount: SENDING_CONNECTIONS, requests: postRequests(history) },
    options,
  )
  const pages = await measureRest(
    server,
    { connectionCount: READING_CONNECTIONS, requests: pageRequests(history) },
    options,
  )
  return {
    values: {
      postsPerSecond: posts.values['requestsPerSecond'] ?? Number.NaN,
      postP50Ms: posts.values['p50Ms'] ?? Number.NaN,
      postP99Ms: posts.values['p99Ms'] ?? Number.NaN,
      pagesPerSecond: pages.values['requestsPerSecond'] ?? Number.NaN,
      pageP50Ms: pages.values['p50Ms'] ?? Number.NaN,
      pageP99Ms: pages.values['p99Ms'] ?? Number.NaN,
      cpuMicrosPerPost: posts.values['cpuMicrosPerRequest'] ?? Number.NaN,
      cpuMicrosPerPage: pages.values['cpuMicrosPerRequest'] ?? Number.NaN,
    },
    warnings: [...posts.warnings, ...pages.warnings],
  }
}
