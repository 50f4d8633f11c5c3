import { ChannelError } from '../protocol/errors.ts'
import { matchesPattern } from '../util/pattern.ts'
import type { Caller, Capability, ChannelGrant } from './caller.ts'

/** A pattern that every id matches, whatever it is. */
const EVERY_ID = /^\*+$/

function allowedBy(grants: readonly ChannelGrant[], channelId: string): ReadonlySet<Capability> {
  const named = grants.filter(({ pattern }) => matchesPattern(channelId, pattern))
  return new Set(named.flatMap(({ allow }) => allow))
}

/**
 * What the token's own list says of a channel, whether it exists or not: grants narrow, except `admin`, which
 * makes its holder a manager there.
 */
export function granting(
  { grants }: Caller,
  capability: Capability,
  channelId: string,
): 'everything' | 'this' | 'nothing' {
  if (grants === undefined) return 'this'
  const allowed = allowedBy(grants, channelId)
  if (allowed.has('admin')) return 'everything'
  return allowed.has(capability) ? 'this' : 'nothing'
}

/** Whether the token's own list leaves its holder anything at all in a channel. */
export function isNamed({ grants }: Caller, channelId: string): boolean {
  return grants === undefined || allowedBy(grants, channelId).size > 0
}

/** The channels of a list that the token's own list lets its holder see: those to read or join. */
export function listedFor<C extends { readonly id: string }>(
  caller: Caller,
  channels: readonly C[],
): readonly C[] {
  if (caller.grants === undefined) return channels
  const shows = (capability: Capability, id: string): boolean =>
    granting(caller, capability, id) !== 'nothing'
  return channels.filter(({ id }) => shows('read', id) || shows('join', id))
}

/** Whether the token's own list narrows its holder: it does not where it gives `admin` in every channel. */
export function isNarrowed({ grants }: Caller): boolean {
  if (grants === undefined) return false
  return !grants.some(({ pattern, allow }) => EVERY_ID.test(pattern) && allow.includes('admin'))
}

/** @throws ACCESS_DENIED where the token lists channels: what is beyond them, as a new one, is not in it. */
export function requireUnnarrowed(caller: Caller): void {
  if (!isNarrowed(caller)) return
  throw new ChannelError('ACCESS_DENIED', 'Your token is for the channels that it lists.')
}
