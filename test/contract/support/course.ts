import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'
import { Watcher } from './recorder.ts'

/** Remembers what followers saw of agents at work, in order, in words. */
export class Course extends Watcher {
  readonly cancelled: string[] = []
  /** What was seen in every channel together. */
  readonly seen: string[] = []
  /** Texts of messages by their ids: what they are called in words. */
  readonly #names = new Map<string, string>()

  override onEntries(channelId: string, entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'posted' || entry.message === null) continue
      const { id, body } = entry.message
      this.#names.set(id, this.#names.get(id) ?? body.text)
      this.seen.push(`said ${body.text}${body.stream ? ` ${body.stream.state}` : ''}`)
    }
    super.onEntries(channelId, entries)
  }

  override onEphemeral(frame: Ephemeral): void {
    this.seen.push(...this.#shown(frame))
    super.onEphemeral(frame)
  }

  onCancelled({ messageId }: { readonly messageId: string }): void {
    this.cancelled.push(this.#named(messageId))
    this.look()
  }

  /** A name for what is not a message yet. */
  call(messageId: string, name: string): void {
    this.#names.set(messageId, name)
  }

  /** Resolves with what was seen when the last of it is this. */
  async upTo(last: string): Promise<readonly string[]> {
    await this.until(() => this.seen.includes(last))
    return this.seen
  }

  count(what: string): number {
    return this.seen.filter((one) => one === what).length
  }

  #named(messageId = ''): string {
    return this.#names.get(messageId) ?? 'somewhat'
  }

  #shown(frame: Ephemeral): readonly string[] {
    switch (frame.kind) {
      case 'complete':
        return [`complete ${this.#named(frame.messageId)}`]
      case 'typing':
        return ['typing']
      case 'chunk':
        return [`${frame.agentId} ${frame.offset}+${frame.chunk}`]
      case 'loss':
        return [`${frame.agentId} lost`]
      case 'turn':
        return [`${frame.agentId} ${frame.state} ${this.#named(frame.messageId)}`]
      case 'activity': {
        const turns = frame.turns.map(({ agentId, state }) => `${agentId} ${state}`)
        const streams = frame.streams.map(({ agentId, text }) => `${agentId} ${text}`)
        const completed = frame.completed?.map((id) => `${this.#named(id)} is complete`)
        return [['activity', ...turns, ...streams, ...(completed ?? [])].join(', ')]
      }
    }
  }
}
