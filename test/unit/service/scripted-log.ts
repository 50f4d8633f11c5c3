import type { EntryRange } from '../../../src/log/log.ts'
import type { Entry } from '../../../src/protocol/model.ts'

export const EPOCH = 'epoch-1'
export const CHANNEL = 'c'

export function entry(seq: number, kind: 'cleared' | 'removed' = 'cleared'): Entry {
  return { kind, channelId: CHANNEL, seq, at: seq }
}

/** A log whose answers come when the test says so: that is what makes the races visible. */
export class ScriptedLog {
  readonly epoch = EPOCH
  readonly followed: string[] = []
  readonly unfollowed: string[] = []
  #answer: { resolve: (position: number) => void; reject: (error: Error) => void } | undefined
  #reads: { range: EntryRange; resolve: (entries: readonly Entry[]) => void }[] = []

  follow(channelId: string): Promise<number> {
    this.followed.push(channelId)
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject }
    })
  }

  unfollow(channelId: string): void {
    this.unfollowed.push(channelId)
  }

  stored = 0
  /** Numbers of deletions of the channel. */
  readonly deletions = new Set<number>()

  head(): Promise<number> {
    return Promise.resolve(this.stored)
  }

  entries(range: EntryRange): Promise<readonly Entry[]> {
    return new Promise((resolve) => {
      this.#reads.push({ range, resolve })
    })
  }

  opens(position: number): void {
    this.#answer?.resolve(position)
  }

  fails(): void {
    this.#answer?.reject(new Error('no answer'))
  }

  answersRead(length = Number.POSITIVE_INFINITY): EntryRange | undefined {
    const read = this.#reads.shift()
    if (read === undefined) return undefined
    const { after, upTo } = read.range
    const prefix = { length: Math.min(length, upTo - after) }
    const seqs = Array.from(prefix, (_, index) => after + 1 + index)
    const kindAt = (seq: number) => (this.deletions.has(seq) ? 'removed' : 'cleared')
    read.resolve(seqs.map((seq) => entry(seq, kindAt(seq))))
    return read.range
  }
}
