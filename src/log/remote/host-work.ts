import { FrameKind } from '../../ipc/frame-kinds.ts'
import type { ChunkRef, StreamClaim, TurnRef } from '../agent-work.ts'
import type { Command, Outcome } from '../log.ts'
import type { TurnPayload } from './wire.ts'

interface WorkLink {
  readonly bufferedBytes: number
  send(kind: number, payload: string): void
}

/** Bytes that wait for the writer to read, past which more text waits here: it is kept in any case. */
const SEND_AHEAD_BYTES = 1_000_000

interface OwnStream {
  readonly messageId: string
  readonly channelId: string
  readonly agentId: string
  text: string
  /** Chunks of the text. */
  index: number
  /** UTF-16 code units that this link has taken. */
  sent: number
  sentIndex: number
}

/**
 * What this process's agents do, kept as long as it holds, so that a new writer or link is told all of it.
 *
 * Bounded by what a process has under way: its streams, the messages that are handed out, and those that it is
 * through with ahead of the cursor, which are no more than it reads ahead.
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
  #isOpen = false

  constructor(link: WorkLink) {
    this.#link = link
  }

  runAgents(agentIds: readonly string[]): void {
    this.#agents = agentIds
    for (const [key, { agentId }] of this.#begun) {
      if (!agentIds.includes(agentId)) this.#begun.delete(key)
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
      const begin = { messageId, channelId, agentId, text: '', index: 0, sent: 0, sentIndex: 0 }
      if (known === undefined) this.#streams.set(messageId, begin)
    }
    if (command.type === 'end-stream') this.#forget(command.messageId)
    if (command.type === 'settle') this.#settled(command.agentId, outcome.place ?? 0)
  }

  /** A change was refused for good. */
  refused(command: Command): void {
    if (command.type === 'end-stream') this.#forget(command.messageId)
  }

  /** The writer can be spoken to, and knows nothing. */
  open(): void {
    this.#isOpen = true
    if (this.#agents.length > 0) {
      this.#link.send(FrameKind.WORK_AGENTS, JSON.stringify(this.#agents))
    }
    for (const turn of this.#begun.values()) this.#tell('begin', turn)
    for (const stream of this.#streams.values()) this.#claim(stream)
    for (const places of this.#through.values()) {
      for (const turn of places.values()) this.#tell('end', turn)
    }
  }

  suspend(): void {
    this.#isOpen = false
  }

  /** Sends on, as far as the link is read by the writer. */
  pump(): void {
    if (!this.#isOpen) return
    for (const stream of this.#behind) {
      if (this.#link.bufferedBytes > SEND_AHEAD_BYTES) return
      this.#behind.delete(stream)
      const { messageId, sent: offset, sentIndex: index } = stream
      const chunk: ChunkRef = { messageId, index, offset, chunk: stream.text.slice(offset) }
      this.#link.send(FrameKind.WORK_CHUNK, JSON.stringify(chunk))
      this.#noteSent(stream)
    }
  }

  #claim(stream: OwnStream): void {
    const { messageId, channelId, agentId, text, index } = stream
    const claim: StreamClaim = { messageId, channelId, agentId, text, index }
    this.#link.send(FrameKind.WORK_CLAIM, JSON.stringify(claim))
    this.#noteSent(stream)
    this.#behind.delete(stream)
  }

  #noteSent(stream: OwnStream): void {
    stream.sent = stream.text.length
    stream.sentIndex = stream.index
  }

  #forget(messageId: string): void {
    const stream = this.#streams.get(messageId)
    if (stream === undefined) return
    this.#streams.delete(messageId)
    this.#behind.delete(stream)
  }

  #settled(agentId: string, upTo: number): void {
    const places = this.#through.get(agentId)
    if (places === undefined) return
    for (const place of places.keys()) if (place <= upTo) places.delete(place)
    if (places.size === 0) this.#through.delete(agentId)
  }

  #tell(act: 'begin' | 'end', turn: TurnRef): void {
    const payload: TurnPayload = [act, turn]
    if (this.#isOpen) this.#link.send(FrameKind.WORK_TURN, JSON.stringify(payload))
  }
}

function keyOf({ agentId, messageId }: TurnRef): string {
  return `${agentId}\n${messageId}`
}
