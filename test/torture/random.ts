import { seeded } from '../cluster/support/changes.ts'

export interface Range {
  readonly least: number
  readonly most: number
}

/** A stream of choices that the seed and its name fix, whatever other streams are asked for. */
export class Random {
  readonly #next: () => number

  constructor(seed: number, stream: string) {
    let mixed = seed
    for (const character of stream)
      mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x01000193)
    this.#next = seeded(mixed)
  }

  /** 0 ≤ n < 1. */
  share(): number {
    return this.#next()
  }

  /** A whole number, both ends included. */
  between({ least, most }: Range): number {
    return least + Math.floor(this.#next() * (most - least + 1))
  }

  of<const T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.#next() * choices.length)] ?? choices[0]
  }

  /** Below `count`. */
  index(count: number): number {
    return Math.floor(this.#next() * count)
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.#next() }))
      .toSorted((one, other) => one.key - other.key)
      .map(({ item }) => item)
  }

  /** Moments from `startMs` to `endMs`, `meanMs` apart on average. */
  times({
    startMs,
    endMs,
    meanMs,
  }: Readonly<Record<'startMs' | 'endMs' | 'meanMs', number>>): number[] {
    const moments: number[] = []
    const gap = { least: Math.round(meanMs * 0.2), most: Math.round(meanMs * 1.8) }
    for (
      let atMs = startMs + this.between(gap);
      atMs < endMs;
      atMs += Math.max(1, this.between(gap))
    ) {
      moments.push(atMs)
    }
    return moments
  }
}
