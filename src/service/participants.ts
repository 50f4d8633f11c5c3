import type { ChannelLog, ParticipantGuard } from '../log/log.ts'
import type { JoinNotice, Participant } from '../protocol/model.ts'
import { newId } from '../util/new-id.ts'
import { saying } from './refusals.ts'

interface Changes {
  readonly add?: readonly Participant[]
  readonly remove?: readonly string[]
}

/** Who takes part in a channel. Every change is one atomic command: racing changes are never lost. */
export class ParticipantService {
  readonly #log: ChannelLog

  constructor(log: ChannelLog) {
    this.#log = log
  }

  /** In order of addition; empty for a channel that does not exist, as in elizaOS. */
  async list(channelId: string): Promise<readonly Participant[]> {
    const channel = await this.#log.channel(channelId)
    return channel?.participants ?? []
  }

  /**
   * Adds those who are missing; adding somebody twice changes nothing. Agents of the channel's server
   * take part as agents, whatever is said here. @throws CHANNEL_NOT_FOUND; TOO_MANY_PARTICIPANTS;
   * ACCESS_DENIED where the guard lets nobody in.
   */
  async add(
    channelId: string,
    participants: readonly Participant[],
    guard: ParticipantGuard = {},
  ): Promise<void> {
    await this.#change(channelId, { add: participants }, guard)
  }

  /** @throws CHANNEL_NOT_FOUND; PARTICIPANT_NOT_FOUND; ACCESS_DENIED where the guard lets only another go. */
  async remove(channelId: string, entityId: string, guard: ParticipantGuard = {}): Promise<void> {
    const text = `${entityId} is not a participant in this channel`
    const change = this.#change(channelId, { remove: [entityId] }, guard)
    await saying('PARTICIPANT_NOT_FOUND', text, change)
  }

  /** @throws as `remove`, PARTICIPANT_NOT_FOUND in elizaOS's words for agents. */
  async removeAgent(
    channelId: string,
    agentId: string,
    guard: ParticipantGuard = {},
  ): Promise<void> {
    await this.#change(channelId, { remove: [agentId] }, guard)
  }

  /** Tells the agents of a channel that somebody opened it. Whoever does not run misses it. */
  announce(joined: JoinNotice): void {
    this.#log.announce(joined)
  }

  async #change(channelId: string, changes: Changes, guard: ParticipantGuard): Promise<void> {
    const { add = [], remove = [] } = changes
    const id = newId()
    await this.#log.append({ type: 'change-participants', id, channelId, add, remove, ...guard })
  }
}
