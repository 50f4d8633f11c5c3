import type { Ephemeral } from '../../protocol/model.ts'
import type { LiveBatch } from '../../service/live.ts'
import { mayEndStay } from '../../service/standing-watch.ts'
import { ephemeralPacket, entryPackets } from './encode.ts'
import { SharedPackets } from './shared-packets.ts'

/**
 * Encodes each entry of a batch once, however many connections get it, and whether they get all of it
 * alike or some of it as its senders.
 *
 * A batch reaches all followers of its channel in one synchronous loop, so remembering the last one
 * is enough and nothing has to be evicted.
 */
export class Encoder {
  #source: LiveBatch | Ephemeral | undefined
  /** By the entry's place in the batch; encoded when the first connection asks for it. */
  #packets: (readonly string[])[] = []
  #shared: SharedPackets | undefined
  #mayEndStay: boolean | undefined

  /** What everybody gets for one entry of the batch. */
  packets(batch: LiveBatch, index: number): readonly string[] {
    this.#begin(batch)
    const known = this.#packets[index]
    if (known !== undefined) return known
    const entry = batch.entries[index]
    const packets = entry === undefined ? [] : entryPackets(entry)
    this.#packets[index] = packets
    return packets
  }

  /** What everybody gets for the whole batch, ready-made frames included. */
  entries(batch: LiveBatch): SharedPackets {
    this.#begin(batch)
    this.#shared ??= new SharedPackets(
      batch.entries.flatMap((_entry, index) => this.packets(batch, index)),
    )
    return this.#shared
  }

  /** Whether any entry of the batch may end somebody's stay: looked for once, not by each of a thousand followers. */
  mayEndStay(batch: LiveBatch): boolean {
    this.#begin(batch)
    this.#mayEndStay ??= batch.entries.some(mayEndStay)
    return this.#mayEndStay
  }

  ephemeral(frame: Ephemeral): SharedPackets {
    this.#begin(frame)
    this.#shared ??= new SharedPackets([ephemeralPacket(frame)])
    return this.#shared
  }

  #begin(source: LiveBatch | Ephemeral): void {
    if (this.#source === source) return
    this.#source = source
    this.#packets = []
    this.#shared = undefined
    this.#mayEndStay = undefined
  }
}
