import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Logger } from '../../telemetry/logger.ts'
import type { BegunWork } from './begun-work.ts'

/** Bytes of one record: two ids of at most 128 characters, a count, and what JSON puts around them. */
const RECORD_BYTES = 320
/** Messages remembered at a time; more are worked at without being remembered. */
const MAX_RECORDS = 1_024

const NONE = Buffer.alloc(RECORD_BYTES, ' ')

interface RecordOf {
  readonly index: number
  /** Processes that ended while they worked at it, this one not counted. */
  readonly unfinished: number
}

const keyOf = (agentId: string, messageId: string): string => `${agentId} ${messageId}`

/** What a record says; undefined for an empty one, and for one of which only a part was written. */
function parse(text: string): readonly [string, number] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [key, count]: readonly unknown[] = value
    return typeof key === 'string' && typeof count === 'number' ? [key, count] : undefined
  } catch {
    // Blank, or not whole.
    return undefined
  }
}

/**
 * Remembers in a file, which belongs to one process at a time. A write costs some microseconds: it is not
 * forced to the disk, since only the machine's end loses it, and that is no handler's doing.
 *
 * What cannot be read or written is not remembered: the work goes on, and the log says so once.
 */
export class BegunWorkFile implements BegunWork {
  readonly #logger: Logger
  readonly #records = new Map<string, RecordOf>()
  readonly #free: number[] = []
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
    const index = record?.index ?? this.#free.pop()
    if (index === undefined) return
    const unfinished = record?.unfinished ?? 0
    this.#records.set(key, { index, unfinished })
    this.#write(index, Buffer.from(JSON.stringify([key, unfinished + 1]).padEnd(RECORD_BYTES)))
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
      if (found === undefined) this.#free.push(index)
      else this.#records.set(found[0], { index, unfinished: found[1] })
    }
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
