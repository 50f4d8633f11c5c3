import { FrameKind } from '../../ipc/frame-kinds.ts'
import type { ChunkRef, StreamClaim, TurnRef } from '../agent-work.ts'
import type { Command, Outcome } from '../log.ts'
import type { TurnPayload } from './wire.ts'

interface WorkLink {
  readonly bufferedBytes: number
  send(kind: number, payload: string): void
}

/** Bytes that wait for the writer to read, past which the rest waits here: it is kept in any case. */
const SEND_AHEAD_BYTES = 1_000_000

interface OwnStream {
  readonly messageId: string
  readonly channelId: string
  readonly agentId: string
  text: string
  /** Chunks of the text. */
  index: number
  /** The end of the text that this link has not taken, by itself: to cut it off the text would copy all of that. */
  unsent: string
  /** Of the chunk that it begins with. */
  unsentIndex: number
}

/**
 * What this process's agents do, kept as long as it holds, so that a new writer or link is told all of it.
 *
 * Bounded by what a process has under way: its streams, the messages that are handed out, and those that it is
 * through with ahead of the cursor, of which its readers allow so many (`maxThroughAhead`).
 */
export class HostWork {
  readonly #link: WorkLink
  #agents: readonly string[] = []
  /** By agent and message. */
  readonly #begun = new Map<string, TurnRef>()
  /** By agent and place. */
  readonly #through = new Map<string, Map<number, TurnRef>>()
  readonly #streams = new Map<string, OwnStream>()
  readonly #behind = new Set<OwnStream>()
  /**
   * What is still to be told over a new link, in order, by the message or stream that it is of. While there is
   * any, what happens takes its place behind it.
   */
  readonly #untold = new Map<string, TurnPayload | OwnStream>()
  #onTold: (() => void) | undefined
  #isOpen = false

  constructor(link: WorkLink) {
    this.#link = link
  }

  runAgents(agentIds: readonly string[]): void {
    this.#agents = agentIds
    for (const [key, { agentId }] of this.#begun) {
      if (agentIds.includes(agentId)) continue
      this.#begun.delete(key)
      this.#untold.delete(key)
    }
    for (const [agentId, places] of this.#through) {
      if (agentIds.includes(agentId)) continue
      this.#through.delete(agentId)
      for (const turn of places.values()) this.#untold.delete(keyOf(turn))
    }
    if (this.#isOpen) this.#link.send(FrameKind.WORK_AGENTS, JSON.stringify(agentIds))
  }

  beginTurn(turn: TurnRef): void {
    this.#begun.set(keyOf(turn), turn)
    this.#tell('begin', turn)
  }

  endTurn(turn: TurnRef): void {
    this.#begun.delete(keyOf(turn))
    const places = this.#through.get(turn.agentId) ?? new Map<number, TurnRef>()
    this.#through.set(turn.agentId, places)
    places.set(turn.place, turn)
    this.#tell('end', turn)
  }

  writeStream({ messageId, index, offset, chunk }: ChunkRef): void {
    const stream = this.#streams.get(messageId)
    if (stream === undefined || offset !== stream.text.length) return
    stream.text += chunk
    stream.unsent += chunk
    stream.index = index + 1
    this.#behind.add(stream)
    this.pump()
  }

  /** What the log answered to a change of this process. */
  answered(command: Command, outcome: Outcome): void {
    if (command.type === 'open-stream' && outcome.stream?.state === 'streaming') {
      const { messageId } = outcome.stream
      const { channelId, authorId: agentId } = command.message
      const known = this.#streams.get(messageId)
      const begin = {
        messageId,
        channelId,
        agentId,
        text: '',
        index: 0,
        unsent: '',
        unsentIndex: 0,
      }
      if (known === undefined) this.#streams.set(messageId, begin)
    }
    if (command.type === 'end-stream') this.#forget(command.messageId)
    if (command.type === 'settle') this.#settled(command.agentId, outcome.place ?? 0)
  }

  /** A change was refused for good. */
  refused(command: Command): void {
    if (command.type === 'end-stream') this.#forget(command.messageId)
  }

  /**
   * The writer can be spoken to, and knows nothing: tells it, as far and as fast as the link is read. Calls back,
   * unless the link is lost before, once all is sent that there was.
   */
  open(onTold?: () => void): void {
    this.#isOpen = true
    this.#onTold = onTold
    if (this.#agents.length > 0) {
      this.#link.send(FrameKind.WORK_AGENTS, JSON.stringify(this.#agents))
    }
    for (const [key, turn] of this.#begun) this.#untold.set(key, ['begin', turn])
    for (const stream of this.#streams.values()) this.#untold.set(stream.messageId, stream)
    for (const places of this.#through.values()) {
      for (const turn of places.values()) this.#tellLater(['end', turn])
    }
    this.pump()
  }

  suspend(): void {
    this.#isOpen = false
    this.#onTold = undefined
    this.#untold.clear()
  }

  /** Sends on, as far as the link is read by the writer. */
  pump(): void {
    if (!this.#isOpen || !this.#tellOn()) return
    for (const stream of this.#behind) {
      if (this.#link.bufferedBytes > SEND_AHEAD_BYTES) return
      const { messageId, text, unsent: chunk, unsentIndex: index } = stream
      const piece: ChunkRef = { messageId, index, offset: text.length - chunk.length, chunk }
      this.#link.send(FrameKind.WORK_CHUNK, JSON.stringify(piece))
      this.#noteSent(stream)
    }
  }

  /** False while something is left to be told. */
  #tellOn(): boolean {
    for (const [key, one] of this.#untold) {
      if (this.#link.bufferedBytes > SEND_AHEAD_BYTES) return false
      this.#untold.delete(key)
      if ('text' in one) this.#claim(one)
      else this.#link.send(FrameKind.WORK_TURN, JSON.stringify(one))
    }
    const onTold = this.#onTold
    this.#onTold = undefined
    onTold?.()
    return this.#isOpen
  }

  #claim(stream: OwnStream): void {
    const { messageId, channelId, agentId, text, index } = stream
    const claim: StreamClaim = { messageId, channelId, agentId, text, index }
    this.#link.send(FrameKind.WORK_CLAIM, JSON.stringify(claim))
    this.#noteSent(stream)
  }

  #noteSent(stream: OwnStream): void {
    stream.unsent = ''
    stream.unsentIndex = stream.index
    this.#behind.delete(stream)
  }

  #forget(messageId: string): void {
    const stream = this.#streams.get(messageId)
    if (stream === undefined) return
    this.#streams.delete(messageId)
    this.#behind.delete(stream)
    this.#untold.delete(messageId)
  }

  #settled(agentId: string, upTo: number): void {
    const places = this.#through.get(agentId)
    if (places === undefined) return
    for (const place of places.keys()) if (place <= upTo) places.delete(place)
    if (places.size === 0) this.#through.delete(agentId)
  }

  #tell(act: 'begin' | 'end', turn: TurnRef): void {
    const payload: TurnPayload = [act, turn]
    if (!this.#isOpen) return
    if (this.#untold.size > 0) this.#tellLater(payload)
    else this.#link.send(FrameKind.WORK_TURN, JSON.stringify(payload))
  }

  /** Behind all else: what it is the end of need not be told any more. */
  #tellLater(payload: TurnPayload): void {
    const key = keyOf(payload[1])
    this.#untold.delete(key)
    this.#untold.set(key, payload)
  }
}

function keyOf({ agentId, messageId }: TurnRef): string {
  return `${agentId}\n${messageId}`
}
