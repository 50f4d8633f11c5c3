import { setTimeout as delay } from 'node:timers/promises'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'

/** Pause between two tries of a call whose connection broke, in milliseconds. */
const RETRY_PAUSE_MS = 50
/** Milliseconds after which a call that is repeated fails with its last error: a whole server's restart takes a while. */
const MAX_WAIT_MS = 60_000
/** Milliseconds after which a call without an answer counts as broken. */
const CALL_TIMEOUT_MS = 30_000

export interface RestAnswer {
  readonly status: number
  /** The body as it came. */
  readonly text: string
}

export interface RestCall {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: object
  /** What proves that it may be asked for, where that has to be proved. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One try. Rejects when the connection broke before the answer: what was asked may have happened. */
export async function rest(url: string, call: RestCall): Promise<RestAnswer> {
  const { method = 'GET', path, body, headers } = call
  const response = await fetch(url + path, {
    method,
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text }
}

/** For calls that may be repeated: tries again while connections break or the server says 503. */
export async function restUntilAnswered(url: string, call: RestCall): Promise<RestAnswer> {
  let last: unknown
  const deadlineMs = performance.now() + MAX_WAIT_MS
  while (performance.now() < deadlineMs) {
    try {
      const answer = await rest(url, call)
      if (answer.status !== 503) return answer
      last = new Error(`503: ${answer.text}`)
    } catch (error) {
      last = error
    }
    await delay(RETRY_PAUSE_MS)
  }
  throw new Error(`${call.method ?? 'GET'} ${call.path} was never answered`, { cause: last })
}

/** The `data` of a repeatable call that must succeed. */
export async function restData<T>(url: string, call: RestCall): Promise<T> {
  const { status, text } = await restUntilAnswered(url, call)
  if (status < 200 || status > 299) {
    throw new Error(`${call.path} answered ${status}: ${text}`)
  }
  const { data }: { readonly data: T } = JSON.parse(text)
  return data
}

export const channelPath = (channelId: string): string => `/api/messaging/channels/${channelId}`

/** The call that creates an empty channel with this id. */
export function channelCreation(channelId: string): RestCall {
  return {
    method: 'POST',
    path: '/api/messaging/channels',
    body: {
      id: channelId,
      name: channelId,
      message_server_id: DEFAULT_SERVER_ID,
      participantCentralUserIds: [],
    },
  }
}

/** Creates an empty channel with this id. */
export async function createChannel(
  url: string,
  channelId: string,
  headers: RestCall['headers'] = {},
): Promise<void> {
  const { status, text } = await rest(url, { ...channelCreation(channelId), headers })
  if (status !== 201) {
    throw new Error(`channel ${channelId} not created: ${status} ${text}`)
  }
}
