import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Logger } from '../../telemetry/logger.ts'
import type { BegunWork } from './begun-work.ts'

/** Bytes of one record: two ids of at most 128 characters, two counts, and what JSON puts around them. */
const RECORD_BYTES = 320
/** Messages remembered at a time; more that are begun in one life of a process are worked at without being remembered. */
const MAX_RECORDS = 1_024

const NONE = Buffer.alloc(RECORD_BYTES, ' ')

interface RecordOf {
  readonly index: number
  /** Processes that ended while they worked at it, this one not counted. */
  readonly unfinished: number
  /** Which of the processes that had the file began it last. */
  readonly life: number
}

interface Parsed {
  readonly key: string
  readonly count: number
  readonly life: number
}

const keyOf = (agentId: string, messageId: string): string => `${agentId} ${messageId}`

/** What a record says; undefined for an empty one, and for one of which only a part was written. */
function parse(text: string): Parsed | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [key, count, life = 0]: readonly unknown[] = value
    if (typeof key !== 'string' || typeof count !== 'number') return undefined
    return { key, count, life: typeof life === 'number' ? life : 0 }
  } catch {
    // Blank, or not whole.
    return undefined
  }
}

/**
 * Remembers in a file, which belongs to one process at a time. A write costs some microseconds: it is not
 * forced to the disk, since only the machine's end loses it, and that is no handler's doing.
 *
 * What cannot be read or written is not remembered: the work goes on, and the log says so once. A message that never
 * comes again, since it or its agent is gone, is remembered until the room is needed.
 */
export class BegunWorkFile implements BegunWork {
  readonly #logger: Logger
  readonly #records = new Map<string, RecordOf>()
  readonly #free: number[] = []
  #life = 0
  #hasForgotten = false
  #descriptor: number | undefined

  constructor(file: string, logger: Logger) {
    this.#logger = logger
    this.#guard(() => {
      this.#descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600)
      this.#read(this.#descriptor)
    })
  }

  unfinished(agentId: string, messageId: string): number {
    return this.#records.get(keyOf(agentId, messageId))?.unfinished ?? 0
  }

  begin(agentId: string, messageId: string): void {
    const key = keyOf(agentId, messageId)
    const record = this.#records.get(key)
    const index = record?.index ?? this.#free.pop() ?? this.#forgetOldest()
    if (index === undefined) return
    const unfinished = record?.unfinished ?? 0
    const life = this.#life
    this.#records.set(key, { index, unfinished, life })
    const text = JSON.stringify([key, unfinished + 1, life])
    this.#write(index, Buffer.from(text.padEnd(RECORD_BYTES)))
  }

  end(agentId: string, messageId: string): void {
    const key = keyOf(agentId, messageId)
    const record = this.#records.get(key)
    if (record === undefined) return
    this.#records.delete(key)
    this.#free.push(record.index)
    this.#write(record.index, NONE)
  }

  close(): void {
    const descriptor = this.#descriptor
    this.#descriptor = undefined
    if (descriptor !== undefined) this.#guard(() => closeSync(descriptor))
  }

  #read(descriptor: number): void {
    const size = Math.min(fstatSync(descriptor).size, MAX_RECORDS * RECORD_BYTES)
    const bytes = Buffer.alloc(size)
    readSync(descriptor, bytes, 0, size, 0)
    for (let index = MAX_RECORDS - 1; index >= 0; index -= 1) {
      const from = index * RECORD_BYTES
      const found = parse(bytes.toString('latin1', from, from + RECORD_BYTES))
      if (found === undefined) {
        this.#free.push(index)
        continue
      }
      const { key, count: unfinished, life } = found
      this.#records.set(key, { index, unfinished, life })
      this.#life = Math.max(this.#life, life + 1)
    }
  }

  /** Answers where it was; undefined where all were begun in this life. */
  #forgetOldest(): number | undefined {
    let oldest: readonly [string, RecordOf] | undefined
    for (const entry of this.#records) {
      const [, { life, unfinished }] = entry
      if (life === this.#life) continue
      const [, least] = oldest ?? entry
      // Of one age that which ended the fewest: it is the least likely to end the next.
      const isOlder = life < least.life || (life === least.life && unfinished < least.unfinished)
      if (oldest === undefined || isOlder) oldest = entry
    }
    if (oldest === undefined) return undefined
    const [key, { index }] = oldest
    this.#records.delete(key)
    if (!this.#hasForgotten) {
      this.#hasForgotten = true
      this.#logger.warn(
        'more is being worked at than is remembered: what was begun longest ago is forgotten',
      )
    }
    return index
  }

  #write(index: number, bytes: Buffer): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    this.#guard(() => writeSync(descriptor, bytes, 0, RECORD_BYTES, index * RECORD_BYTES))
  }

  #guard(work: () => unknown): void {
    try {
      work()
    } catch (error) {
      this.#descriptor = undefined
      this.#logger.warn({ err: error }, 'what is being worked at is not remembered')
    }
  }
}
