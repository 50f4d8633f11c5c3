/** What travels on the presence frames, as JSON. */
export type Pair = readonly [channelId: string, entityId: string]

export interface ReadyPayload {
  /** One per hub: a fresh hub knows nobody. */
  readonly hubId: string
}

/**
 * All that a gateway had told before, in pieces; the last one has `isLast`. `hubId` is the hub that
 * it told: a hub with another id takes the pairs as known to everybody and announces none of them.
 */
export interface RegisterPayload {
  readonly hubId: string | null
  readonly pairs: readonly Pair[]
  readonly isLast: boolean
}

/** In order; true for a join. */
export type ChangesPayload = readonly (readonly [...Pair, isPresent: boolean])[]
export type ChannelsPayload = readonly string[]
export type ListPayload = readonly [ref: number, channelId: string]
export type ListedPayload = readonly [ref: number, entityIds: readonly string[]]
export type ChangedPayload = readonly [...Pair, isPresent: boolean, count: number]

/** Pairs or channels of one frame. */
export const ITEMS_PER_FRAME = 1_000
