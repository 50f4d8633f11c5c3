import type { Payload } from './client.ts'

export interface RestReply {
  readonly status: number
  readonly body: Payload
  /** `data` of elizaOS's envelope. */
  readonly data: Payload
}

const asObject = (value: unknown): Payload =>
  typeof value === 'object' && value !== null ? { ...value } : {}

/** One REST call; an empty or non-JSON body reads as `{}`. */
export async function rest(url: string, call: string, body?: unknown): Promise<RestReply> {
  const [method = 'GET', path = ''] = call.split(' ')
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const parsed = isJson && text !== '' ? asObject(JSON.parse(text)) : {}
  return { status: response.status, body: parsed, data: asObject(parsed.data) }
}

/** The texts of a channel's history, oldest first. */
export async function history(url: string, channelId: string): Promise<Payload[]> {
  const { data } = await rest(url, `GET /api/messaging/channels/${channelId}/messages?limit=500`)
  const { messages } = data
  return Array.isArray(messages) ? messages.map(asObject).toReversed() : []
}

export async function participants(url: string, channelId: string): Promise<unknown> {
  const { body } = await rest(url, `GET /api/messaging/channels/${channelId}/participants`)
  return body.data
}
