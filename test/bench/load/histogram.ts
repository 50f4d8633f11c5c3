/** Values below this many microseconds have a bucket each. */
const EXACT = 256
/** Buckets for every doubling above it: a value is known to within 1 %. */
const PER_DOUBLING = 128
/** Reaches 2^32 µs, over an hour. */
const DOUBLINGS = 24
const SIZE = EXACT + DOUBLINGS * PER_DOUBLING

function bucketOf(micros: number): number {
  if (micros < EXACT) return micros
  const exponent = 31 - Math.clz32(micros)
  return EXACT + (exponent - 8) * PER_DOUBLING + ((micros >>> (exponent - 7)) - PER_DOUBLING)
}

/** The highest value that falls into a bucket, so that no percentile is told too low. */
function highestOf(bucket: number): number {
  if (bucket < EXACT) return bucket
  const doubling = Math.floor((bucket - EXACT) / PER_DOUBLING)
  const step = 2 ** (doubling + 1)
  return (PER_DOUBLING + ((bucket - EXACT) % PER_DOUBLING) + 1) * step - 1
}

/**
 * Durations counted in logarithmic buckets: constant memory and constant time for each, and the
 * histograms of several processes add up, which percentiles do not.
 */
export class Histogram {
  readonly counts: Uint32Array
  #total: number

  constructor(counts: Uint32Array = new Uint32Array(SIZE)) {
    this.counts = counts
    this.#total = counts.reduce((sum, count) => sum + count, 0)
  }

  get total(): number {
    return this.#total
  }

  recordMs(ms: number): void {
    const micros = Math.min(Math.max(Math.round(ms * 1_000), 0), 2 ** 32 - 1)
    const bucket = bucketOf(micros)
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.#total += 1
  }

  add(other: Histogram): void {
    for (const [bucket, count] of other.counts.entries()) {
      if (count > 0) this.counts[bucket] = (this.counts[bucket] ?? 0) + count
    }
    this.#total += other.total
  }

  /** The duration that this share (0–1) of all do not exceed; NaN when nothing was recorded. */
  percentileMs(share: number): number {
    if (this.#total === 0) return Number.NaN
    const rank = Math.max(1, Math.ceil(this.#total * share))
    let seen = 0
    for (const [bucket, count] of this.counts.entries()) {
      seen += count
      if (seen >= rank) return highestOf(bucket) / 1_000
    }
    return Number.NaN
  }

  clear(): void {
    this.counts.fill(0)
    this.#total = 0
  }
}
