import type { ChannelLog } from '../log/log.ts'
import type { Presence } from '../signals/signals.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Access } from './access.ts'
import { AgentRegistry } from './agent-registry.ts'
import { ChannelService } from './channels.ts'
import { FailureService } from './failures.ts'
import { MessageService } from './messages.ts'
import { ParticipantService } from './participants.ts'
import { ServerService } from './servers.ts'
import { Sizes } from './sizes.ts'
import type { SizeLimits } from './sizes.ts'
import { StreamService } from './streams.ts'

/** Everything that the edges may ask for. */
export interface Services {
  readonly access: Access
  readonly messages: MessageService
  readonly channels: ChannelService
  readonly participants: ParticipantService
  readonly servers: ServerService
  readonly streams: StreamService
  readonly agents: AgentRegistry
  readonly failures: FailureService
  readonly sizes: Sizes
  readonly presence: Presence
}

export interface ServicesOptions {
  readonly log: ChannelLog
  readonly presence: Presence
  readonly logger: Logger
  readonly limits: SizeLimits
}

export function createServices({ log, presence, logger, limits }: ServicesOptions): Services {
  const sizes = new Sizes(limits)
  return {
    access: new Access(log),
    messages: new MessageService(log, logger, sizes),
    channels: new ChannelService(log, logger, sizes),
    participants: new ParticipantService(log),
    servers: new ServerService(log, sizes),
    streams: new StreamService(log),
    agents: new AgentRegistry(log),
    failures: new FailureService(log),
    sizes,
    presence,
  }
}
