const HEAD_BYTES = 24
const SECTOR_BYTES = 512

const OPERATIONS = { 1: 'write', 2: 'sync', 3: 'truncate', 4: 'unlink' } as const

/** What a process did to a file of the traced directory; `name` is empty for the directory itself. */
export interface Operation {
  readonly what: (typeof OPERATIONS)[keyof typeof OPERATIONS]
  readonly name: string
  readonly inode: bigint
  readonly offset: number
  readonly data: Buffer
}

/** Reads what `trace-writes.c` wrote. */
export function parseTrace(trace: Buffer): Operation[] {
  const operations: Operation[] = []
  let at = 0
  while (at < trace.length) {
    const what = OPERATIONS[trace.readUInt8(at) as keyof typeof OPERATIONS]
    const nameEnd = at + HEAD_BYTES + trace.readUInt8(at + 1)
    const end = nameEnd + trace.readUInt32LE(at + 4)
    operations.push({
      what,
      name: trace.toString('utf8', at + HEAD_BYTES, nameEnd),
      inode: trace.readBigUInt64LE(at + 8),
      offset: Number(trace.readBigUInt64LE(at + 16)),
      data: trace.subarray(nameEnd, end),
    })
    at = end
  }
  return operations
}

/** Bytes that grow. */
class Content {
  bytes = Buffer.alloc(1 << 16)
  size = 0

  copy(): Content {
    const copy = new Content()
    copy.bytes = Buffer.from(this.bytes)
    copy.size = this.size
    return copy
  }

  truncate(size: number): void {
    this.#reserve(size)
    this.bytes.fill(0, Math.min(size, this.size), this.bytes.length)
    this.size = size
  }

  write(offset: number, data: Buffer): void {
    this.#reserve(offset + data.length)
    data.copy(this.bytes, offset)
    this.size = Math.max(this.size, offset + data.length)
  }

  #reserve(size: number): void {
    if (size <= this.bytes.length) return
    const larger = Buffer.alloc(Math.max(size, 2 * this.bytes.length))
    this.bytes.copy(larger)
    this.bytes = larger
  }
}

interface Inode {
  readonly durable: Content
  /** Since its last sync, in order. */
  pending: Operation[]
}

/** A choice with this chance, 0–1. */
type Chance = (probability: number) => boolean

/** What a power cut does to a write that was not synced yet. */
export interface Cut {
  /** How likely a sector of it had reached the disk. */
  readonly keep: number
  readonly chance: Chance
  /** What the file system shows of a grown file where nothing was written: zeros, or what lay there. */
  readonly gap: 'zeros' | 'garbage'
}

/**
 * A disk that has promised only what was synced. Whatever else was written may be there or not, sector
 * by sector, and names in the directory may be those of its last sync or any later moment.
 */
export class PowerCutDisk {
  readonly #inodes = new Map<bigint, Inode>()
  #names = new Map<string, bigint>()
  #durableNames = new Map<string, bigint>()
  #laterNames: Map<string, bigint>[] = []

  do(operation: Operation): void {
    const { what, name, inode } = operation
    if (what === 'unlink') {
      this.#rename((names) => names.delete(name))
      return
    }
    if (name === '') {
      if (what === 'sync') this.#syncNames()
      return
    }
    const file = this.#inode(name, inode)
    file.pending.push(operation)
    if (what !== 'sync') return
    for (const done of file.pending) perform(file.durable, done)
    file.pending = []
  }

  /** Operations that are not promised yet. */
  get pendingCount(): number {
    return [...this.#inodes.values()].reduce((sum, { pending }) => sum + pending.length, 0)
  }

  /** The files as they may be found after a cut now. */
  cut(cut: Cut): Map<string, Buffer> {
    const moments = [this.#durableNames, ...this.#laterNames]
    const names = moments.findLast(() => cut.chance(0.5)) ?? this.#durableNames
    const found = new Map<string, Buffer>()
    for (const [name, inode] of names) {
      const file = this.#inodes.get(inode)
      if (file !== undefined) found.set(name, cutFile(file, cut))
    }
    return found
  }

  #inode(name: string, inode: bigint): Inode {
    if (this.#names.get(name) !== inode && !name.endsWith(' (deleted)')) {
      // A file of this name is new; a number that comes again is another file.
      this.#inodes.set(inode, { durable: new Content(), pending: [] })
      this.#rename((names) => names.set(name, inode))
    }
    const known = this.#inodes.get(inode) ?? { durable: new Content(), pending: [] }
    this.#inodes.set(inode, known)
    return known
  }

  #rename(change: (names: Map<string, bigint>) => void): void {
    this.#names = new Map(this.#names)
    change(this.#names)
    this.#laterNames.push(this.#names)
  }

  #syncNames(): void {
    this.#durableNames = this.#names
    this.#laterNames = []
  }
}

function perform(content: Content, { what, offset, data }: Operation): void {
  if (what === 'write') content.write(offset, data)
  else if (what === 'truncate') content.truncate(offset)
}

function cutFile({ durable, pending }: Inode, { keep, chance, gap }: Cut): Buffer {
  const content = durable.copy()
  const garbage = Buffer.alloc(SECTOR_BYTES, 0xa5)
  for (const operation of pending) {
    const { what, offset, data } = operation
    if (what === 'truncate' && chance(keep)) content.truncate(offset)
    if (what !== 'write') continue
    for (let at = 0; at < data.length;) {
      const length = Math.min(data.length - at, SECTOR_BYTES - ((offset + at) % SECTOR_BYTES))
      const start = offset + at
      if (chance(keep)) content.write(start, data.subarray(at, at + length))
      else if (gap === 'garbage' && start >= content.size) {
        content.write(start, garbage.subarray(0, length))
      }
      at += length
    }
  }
  return content.bytes.subarray(0, content.size)
}
