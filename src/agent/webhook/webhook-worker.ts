import { createHash } from 'node:crypto'
import type { HttpAgent } from '../../protocol/http-agent.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { newId } from '../../util/new-id.ts'
import type { MessageContext } from '../message-worker.ts'
import type { AgentWorker } from '../runtime/agent-worker.ts'
import type { WebhookLimits } from './limits.ts'
import { takeAnswer } from './take-answer.ts'
import type { WebhookCaller } from './webhook-caller.ts'
import { AgentGone } from './webhook-error.ts'

export interface WebhookWorkerOptions {
  readonly id: string
  readonly definition: HttpAgent
  /** Whether the log defines it. */
  readonly isRegistered: boolean
  readonly caller: WebhookCaller
  readonly limits: WebhookLimits
  readonly logger: Logger
  /** The agent is gone for good, and nobody is to call it again. */
  readonly onGone: () => Promise<void>
}

interface Event {
  /** The same for every attempt. */
  readonly id: string
  readonly type: 'message.created' | 'entity.joined'
  /** Epoch ms. */
  readonly at: number
  readonly data: object
}

/** Names what an agent is called about, so that it can tell that it was called about it before. */
const eventIdOf = (...parts: readonly string[]): string =>
  `msg_${createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 32)}`

/** An agent that is called over HTTP, as a worker: `message` and `join` are calls, and their answers are said. */
export function createWebhookWorker(options: WebhookWorkerOptions): AgentWorker {
  const { id: agentId, definition, isRegistered, caller, limits, onGone } = options
  const logger = options.logger.child({ agentName: definition.name, agentId })
  const { url, secret } = definition
  const call = async ({ id, type, at, data }: Event, ctx: MessageContext): Promise<void> => {
    const timestamp = new Date(at).toISOString()
    const about = { ...data, channel: ctx.channel, agent: ctx.agent }
    const body = JSON.stringify({ type, timestamp, data: about })
    try {
      await caller.call({ url, secret, id, body, signal: ctx.signal }, (answer) =>
        takeAnswer(answer, ctx, limits),
      )
    } catch (error) {
      if (error instanceof AgentGone) await onGone()
      throw error
    }
  }
  return {
    agent: { id: agentId, name: definition.name },
    handlers: ['message', 'join'],
    env: {},
    logger,
    isRegistered,
    module: {
      message: (message, _env, ctx) => {
        const id = eventIdOf(agentId, message.id)
        const at = message.createdAt
        return call({ id, type: 'message.created', at, data: { message } }, ctx)
      },
      join: (event, _env, ctx) => {
        const id = eventIdOf(agentId, newId())
        return call({ id, type: 'entity.joined', at: Date.now(), data: { event } }, ctx)
      },
    },
  }
}
