import { webSocketFrames } from './packets.ts'

/** Packets that any number of connections get alike: encoded into frames at most once. */
export class SharedPackets {
  readonly packets: readonly string[]
  #frames: Buffer | undefined

  constructor(packets: readonly string[]) {
    this.packets = packets
  }

  get frames(): Buffer {
    this.#frames ??= webSocketFrames(this.packets)
    return this.#frames
  }

  /** Bytes as frames, or characters while nobody took them as frames. */
  get sizeBytes(): number {
    return this.#frames?.length ?? this.packets.reduce((sum, packet) => sum + packet.length, 0)
  }
}
