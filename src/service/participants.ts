import type { ChannelLog } from '../log/log.ts'
import type { Participant } from '../protocol/model.ts'
import { newId } from '../util/new-id.ts'
import { saying } from './refusals.ts'

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
   * take part as agents, whatever is said here. @throws CHANNEL_NOT_FOUND.
   */
  async add(channelId: string, participants: readonly Participant[]): Promise<void> {
    await this.#change(channelId, participants, [])
  }

  /** @throws CHANNEL_NOT_FOUND; PARTICIPANT_NOT_FOUND. */
  async remove(channelId: string, entityId: string): Promise<void> {
    const text = `${entityId} is not a participant in this channel`
    await saying('PARTICIPANT_NOT_FOUND', text, this.#change(channelId, [], [entityId]))
  }

  /** @throws CHANNEL_NOT_FOUND; PARTICIPANT_NOT_FOUND in elizaOS's words for agents. */
  async removeAgent(channelId: string, agentId: string): Promise<void> {
    await this.#change(channelId, [], [agentId])
  }

  async #change(
    channelId: string,
    add: readonly Participant[],
    remove: readonly string[],
  ): Promise<void> {
    await this.#log.append({ type: 'change-participants', id: newId(), channelId, add, remove })
  }
}
