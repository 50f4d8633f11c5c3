import type { Logger } from '../../telemetry/logger.ts'
import type { MessageHandlers } from '../message-worker.ts'
import type { WorkerEnv } from '../worker.ts'

/** A loaded worker, or what stands for one, that is an agent. */
export interface AgentWorker {
  readonly agent: { readonly id: string; readonly name: string }
  readonly module: MessageHandlers
  /** Those that the module has. */
  readonly handlers: readonly string[]
  readonly env: WorkerEnv
  /** Its lines carry the agent's name. */
  readonly logger: Logger
  /** The log defines it: deleted there, it has neither cursor nor failures any more. */
  readonly isRegistered?: boolean
}
