import type { Settings } from '../../config/settings.ts'
import type { LiveChannels } from '../../service/live.ts'
import type { Services } from '../../service/services.ts'
import type { Signals } from '../../signals/signals.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Connection } from './connection.ts'
import type { Encoder } from './encoder.ts'
import type { LogSubscriptions } from './log-subscriptions.ts'
import type { Acknowledge } from './own-message.ts'
import type { Roster } from './roster.ts'

/** What commands work with; one for each gateway. */
export interface Edge {
  readonly settings: Settings
  readonly services: Services
  readonly live: LiveChannels
  readonly signals: Signals
  readonly roster: Roster
  readonly logs: LogSubscriptions
  readonly encoder: Encoder
  readonly logger: Logger
}

/** One thing that a client asked for. */
export interface Request {
  readonly connection: Connection
  /** As it came: nothing about it is known. */
  readonly payload: unknown
  /** Answers the client's callback; does nothing when it gave none. */
  readonly acknowledge: Acknowledge
}

/** Carries a request out. Throws `ChannelError` to refuse it; the dispatcher answers for it. */
export type Command = (edge: Edge, request: Request) => void | Promise<void>
