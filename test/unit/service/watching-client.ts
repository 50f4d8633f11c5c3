import type { AgentTurn, Ephemeral, StreamChunk } from '../../../src/protocol/model.ts'
import type { Follower, Joined, LiveBatch } from '../../../src/service/live.ts'
import { createDeferred } from '../../../src/util/deferred.ts'
import type { Deferred } from '../../../src/util/deferred.ts'

/** A client that puts streams together as one does from the wire, and notes what it must never see. */
export class WatchingClient implements Follower {
  readonly texts = new Map<string, string>()
  readonly turns = new Map<string, AgentTurn>()
  readonly faults: string[] = []
  /** Messages that it has, by id. */
  readonly messages = new Map<string, string>()
  isJoined = false
  #isSlow: boolean
  #waiting: Deferred<void>[] = []

  constructor(isSlow: boolean) {
    this.#isSlow = isSlow
  }

  readonly joined = (_joined: Joined, turns: readonly AgentTurn[]): void => {
    this.isJoined = true
    for (const turn of turns) this.turns.set(turn.messageId, turn)
  }

  onEntries({ entries }: LiveBatch): void {
    for (const entry of entries) {
      if (entry.kind === 'removed') {
        this.texts.clear()
        this.turns.clear()
      }
      if (entry.kind !== 'posted' || entry.message === null) continue
      const { id, body } = entry.message
      const shown = this.texts.get(id) ?? ''
      if (!body.text.startsWith(shown)) this.faults.push(`${id} is not what was shown of it`)
      this.texts.delete(id)
      this.messages.set(id, body.text)
    }
  }

  async catchUp(batch: LiveBatch): Promise<void> {
    this.onEntries(batch)
    await this.#paced()
  }

  async catchUpText(text: StreamChunk): Promise<void> {
    if (text.offset !== 0 || text.index !== 0) this.faults.push('a text that has no beginning')
    this.onEphemeral(text)
    await this.#paced()
  }

  onEphemeral(frame: Ephemeral): void {
    if (!this.isJoined) this.faults.push(`${frame.kind} before the answer`)
    if (frame.kind === 'turn') {
      if (frame.state === 'idle') this.turns.delete(frame.messageId)
      else this.turns.set(frame.messageId, frame)
    }
    if (frame.kind !== 'chunk') return
    const { messageId, offset, chunk } = frame
    const text = this.texts.get(messageId) ?? ''
    if (this.messages.has(messageId)) this.faults.push(`${messageId} goes on behind its message`)
    if (text.length !== offset) this.faults.push(`${messageId}: ${offset} behind ${text.length}`)
    this.texts.set(messageId, text + chunk)
  }

  onInterrupted(): void {
    this.faults.push('interrupted')
  }

  /** Takes one of the things that wait for it. */
  take(): void {
    this.#waiting.shift()?.resolve()
  }

  /** Takes everything as it comes. */
  hasten(): void {
    this.#isSlow = false
    for (const waiting of this.#waiting.splice(0)) waiting.resolve()
  }

  async #paced(): Promise<void> {
    if (!this.#isSlow) return
    const waiting = createDeferred<void>()
    this.#waiting.push(waiting)
    await waiting.promise
  }
}
