import { createWebhookWorker } from '../../agent/webhook/webhook-worker.ts'
import { WEBHOOK_LIMITS } from '../../agent/webhook/limits.ts'
import { WebhookCaller } from '../../agent/webhook/webhook-caller.ts'
import type { AgentWorker } from '../../agent/runtime/agent-worker.ts'
import type { ChannelLog } from '../../log/log.ts'
import type { KnownHttpAgent } from '../../service/http-agents.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { HostList } from '../../util/addresses.ts'
import { newId } from '../../util/new-id.ts'

export interface WebhookAgentsOptions {
  readonly log: Pick<ChannelLog, 'append'>
  /** `PARLEY_WEBHOOK_ALLOW`. */
  readonly allow: readonly string[]
  readonly logger: Logger
}

/** Makes workers of agents that are called over HTTP; all of them share their connections. */
export interface WebhookAgents {
  createWorker(agent: KnownHttpAgent): AgentWorker
  close(): void
}

export function openWebhookAgents({ log, allow, logger }: WebhookAgentsOptions): WebhookAgents {
  const limits = WEBHOOK_LIMITS
  const caller = new WebhookCaller({ allow: new HostList(allow), limits })
  return {
    createWorker: ({ id, definition, isRegistered }) => {
      const { host } = new URL(definition.url)
      const onGone = async (): Promise<void> => {
        await log.append({ type: 'stop-agent', id: newId(), agentId: id })
        const who = { agentName: definition.name, agentId: id, host }
        logger.warn(who, 'agent answered that it is gone, and is stopped')
      }
      logger.info({ agentName: definition.name, agentId: id, host }, 'agent is called over HTTP')
      return createWebhookWorker({ id, definition, isRegistered, caller, limits, logger, onGone })
    },
    close: () => {
      caller.close()
    },
  }
}
