import type { Ephemeral } from '../../protocol/model.ts'
import type { LiveBatch } from '../../service/live.ts'
import { completePacket, entryPackets } from './encode.ts'
import { SharedPackets } from './shared-packets.ts'

/**
 * Encodes each batch once, however many connections get it.
 *
 * A batch reaches all followers of its channel in one synchronous loop, so remembering the last one
 * is enough and nothing has to be evicted.
 */
export class Encoder {
  #source: LiveBatch | Ephemeral | undefined
  #encoded = new SharedPackets([])

  entries(batch: LiveBatch): SharedPackets {
    return this.#once(batch, () => batch.entries.flatMap(entryPackets))
  }

  ephemeral(frame: Ephemeral): SharedPackets {
    return this.#once(frame, () => [completePacket(frame)])
  }

  #once(source: LiveBatch | Ephemeral, encode: () => string[]): SharedPackets {
    if (this.#source !== source) {
      this.#source = source
      this.#encoded = new SharedPackets(encode())
    }
    return this.#encoded
  }
}
