/** What travels on the quota frames, as JSON. */

/** Length of the seconds in which uses are counted; all processes of the machine cut time alike. */
export const WINDOW_MS = 1_000

/**
 * Part of a limit that a gateway lets be used before it tells the hub, and at least one use. Smaller: a
 * tighter sum over the gateways; more frames, at most this many for each key, second and gateway.
 */
const CHUNKS_PER_LIMIT = 16

/** Uses that are reported together. */
export function chunkOf(perSecond: number): number {
  return Math.max(1, Math.floor(perSecond / CHUNKS_PER_LIMIT))
}

/** `count` uses of the key in the window of that number, and what it may use in a second. */
export type Use = readonly [key: string, window: number, count: number, perSecond: number]
export type UsedPayload = readonly Use[]

/** No gateway allows another use before the window of that number. */
export type Block = readonly [key: string, untilWindow: number]
export type BlockedPayload = readonly Block[]

/** How many of a key one gateway holds now; replaces what it told before. */
export type Held = readonly [key: string, count: number]
export type HeldPayload = readonly Held[]

/** All that a gateway holds, in pieces; the last one has `isLast`. Whoever sends it is told of blocks. */
export interface HoldingPayload {
  readonly held: HeldPayload
  readonly isLast: boolean
}

/** One more of each key, where all of them have room. */
export type AcquirePayload = readonly [
  ref: number,
  wanted: readonly (readonly [key: string, max: number])[],
]

/** -1: one more of each is counted. Otherwise nothing is, and this is the place of the key that has no room. */
export type AcquiredPayload = readonly [ref: number, refusedIndex: number]

/** Items of one frame. */
export const QUOTAS_PER_FRAME = 1_000
