/** How texts of the benchmark tell when they were sent: `t=0000012345678.901;`, on the clock of `createClock`. */
const MARK = 't='
const TIME_CHARS = 17
const STAMP_CHARS = MARK.length + TIME_CHARS + 1

const CHUNK_KEY = Buffer.from('"chunk":"')
const [FIRST, SECOND] = Buffer.from(MARK)

/** A stamp, which is a chunk of its own or the beginning of a text. */
export function stampOf(atMs: number): string {
  return `${MARK}${timeText(atMs)};`
}

/** The part of a stamp that differs. */
export function timeText(atMs: number): string {
  return atMs.toFixed(3).padStart(TIME_CHARS, '0')
}

/** Reads the part of a stamp that differs. */
export function timeAt(bytes: Buffer, offset: number): number {
  return Number(bytes.toString('latin1', offset, offset + TIME_CHARS))
}

/** The times of all stamps in a `messageStreamChunk` frame: chunks that were coalesced are one frame. */
export function chunkTimes(bytes: Buffer, start: number, end: number): readonly number[] {
  const times: number[] = []
  const found = bytes.indexOf(CHUNK_KEY, start)
  let at = found === -1 ? end : found + CHUNK_KEY.length
  while (at + STAMP_CHARS <= end && bytes[at] === FIRST && bytes[at + 1] === SECOND) {
    times.push(timeAt(bytes, at + MARK.length))
    at += STAMP_CHARS
  }
  return times
}
