import type { Json, JsonObject } from '../util/json.ts'
import type { MessageHandlers } from './message-worker.ts'

/** Who a worker is in channels. */
export interface AgentIdentity {
  readonly name: string
  /** A stable UUID is derived from the name when absent. */
  readonly id?: string
  readonly bio?: string
}

/** The settings whose names begin with the prefix that the module names, under their whole names; frozen. */
export type WorkerEnv = Readonly<Record<string, string | undefined>>

/** A line for the server's log, with the worker's `agentName`. */
export interface WorkerLog {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** What every handler gets last; a superset of a Cloudflare worker's `ctx`. */
export interface ExecutionContext {
  /** Work that goes on behind the answer: the process waits for it before it ends, within its deadline. */
  waitUntil(work: Promise<unknown>): void
  /** As in Cloudflare's workers; a handler that throws is answered 500 in any case. */
  passThroughOnException(): void
  /** Aborted when the work is to stop: its deadline passed, somebody cancelled it, or the process ends. */
  readonly signal: AbortSignal
  readonly log: WorkerLog
}

/** A message in a channel that the agent takes part in; never one of its own. Times are epoch ms. */
export interface WorkerMessage {
  readonly id: string
  readonly channelId: string
  readonly serverId: string
  readonly seq: number
  readonly senderId: string
  readonly senderName: string
  /** Where it came from: `socketio_client`, `agent_response`, `eliza_gui`, … */
  readonly source: string
  readonly text: string
  readonly attachments: readonly Json[]
  readonly metadata: JsonObject
  readonly inReplyTo: string | undefined
  readonly createdAt: number
}

/** What Cloudflare calls the controller of a scheduled event. */
export interface ScheduledEvent {
  /** The expression that fired. */
  readonly cron: string
  /** Epoch ms for which it was due. */
  readonly scheduledTime: number
}

/**
 * A module in `workers/`, as its default export: the shape of a Cloudflare module worker, with `message`
 * and `join` added. All handlers are optional; a module without any is refused.
 */
export interface WorkerModule extends MessageHandlers {
  /** Makes it an agent. Needed for `message` and `join`. */
  readonly agent?: AgentIdentity
  /** Prefix of the settings that it sees as `env`, such as `SUPPORT_`; without one `env` is empty. */
  readonly env?: string
  /** When `scheduled` is called: cron expressions in UTC, on one process only. */
  readonly cron?: string | readonly string[]
  fetch?(request: Request, env: WorkerEnv, ctx: ExecutionContext): Response | Promise<Response>
  scheduled?(event: ScheduledEvent, env: WorkerEnv, ctx: ExecutionContext): void | Promise<void>
}

/** Gives a module its types; returns it as it is. */
export function defineWorker<Module extends WorkerModule>(module: Module): Module {
  return module
}
