import { ChannelError } from '../../protocol/errors.ts'

const TRANSPORTS = ['http', 'sse', 'websocket', 'sync', 'stream'] as const

/**
 * Checks how the poster wants the agent's answer; `sync` and `stream` are older words for `http`
 * and `sse`. The answer over sockets is the one that is there without an agent.
 *
 * @throws INVALID_PAYLOAD in elizaOS's words for anything else.
 */
export function checkTransport(value: unknown): void {
  if (value === undefined || value === null || value === 'websocket') return
  if (typeof value !== 'string') {
    const text = `Invalid transport type "${typeof value}". Transport must be a string.`
    throw new ChannelError('INVALID_PAYLOAD', text)
  }
  const isKnown = (TRANSPORTS as readonly string[]).includes(value)
  const text = isKnown
    ? `Transport "${value}" waits for an agent's answer, and no agent can answer on this server yet; use "websocket".`
    : `Invalid transport "${value.slice(0, 32)}". Must be one of: ${TRANSPORTS.join(', ')}`
  throw new ChannelError('INVALID_PAYLOAD', text)
}
