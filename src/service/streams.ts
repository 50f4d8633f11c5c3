import type { ChannelLog, Guard } from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import type { StreamState } from '../protocol/model.ts'
import { newId } from '../util/new-id.ts'

/** What is to end: a stream, or what agents do about a message; `messageId` is either's. */
export interface CancelInput {
  readonly channelId: string
  readonly messageId: string
  readonly guard: Guard
}

/** What was asked to end. */
export interface Cancelled {
  readonly messageId: string
  readonly channelId: string
  /**
   * `thinking` and `streaming`: it is told to end, and will. `waiting`: no agent was on it, and none will be. Anything
   * else: it had ended, and stays so.
   */
  readonly state: StreamState | 'thinking' | 'waiting'
}

/** What participants may do about the streams of agents. */
export class StreamService {
  readonly #log: Pick<ChannelLog, 'append'>

  constructor(log: Pick<ChannelLog, 'append'>) {
    this.#log = log
  }

  /**
   * Asks for the end; when it resolves that is on disk, and whoever is at it is told, whatever dies meanwhile.
   *
   * @throws CHANNEL_NOT_FOUND, also where it is hidden; STREAM_NOT_FOUND when there is no such message there;
   * OVERLOADED; WRITER_UNAVAILABLE.
   */
  async cancel({ channelId, messageId, guard }: CancelInput): Promise<Cancelled> {
    const command = { type: 'cancel-stream', id: newId(), channelId, messageId, ...guard } as const
    const { stream } = await this.#log.append(command)
    if (stream === undefined) throw new ChannelError('STREAM_NOT_FOUND')
    return { messageId, channelId, state: stream.state }
  }
}
