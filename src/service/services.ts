import type { ChannelLog } from '../log/log.ts'
import type { Presence } from '../signals/signals.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ChannelService } from './channels.ts'
import { MessageService } from './messages.ts'
import { ParticipantService } from './participants.ts'
import { ServerService } from './servers.ts'

/** Everything that the edges may ask for. */
export interface Services {
  readonly messages: MessageService
  readonly channels: ChannelService
  readonly participants: ParticipantService
  readonly servers: ServerService
  readonly presence: Presence
}

export interface ServicesOptions {
  readonly log: ChannelLog
  readonly presence: Presence
  readonly logger: Logger
}

export function createServices({ log, presence, logger }: ServicesOptions): Services {
  return {
    messages: new MessageService(log, logger),
    channels: new ChannelService(log, logger),
    participants: new ParticipantService(log),
    servers: new ServerService(log),
    presence,
  }
}
