import type { ChannelLog, Standing } from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import type { ChannelType, Message } from '../protocol/model.ts'
import { matchesPattern } from '../util/pattern.ts'
import type { Caller, Capability } from './caller.ts'

/** What one may want to do in a channel. `manage`: change, clear and delete it, and who takes part. */
export type ChannelAction = 'join' | 'read' | 'send' | 'manage'

/** What one may want to do with a message. */
export type MessageAction = 'read' | 'edit' | 'delete'

/**
 * `hidden`: for this caller there is no such channel; the refusal is the one of a channel that does not
 * exist. `denied`: it may know of the channel, but not do this.
 */
export type Decision = 'allowed' | 'hidden' | 'denied'

const CAPABILITY_OF: Readonly<Record<ChannelAction, Capability>> = {
  join: 'join',
  read: 'read',
  send: 'send',
  manage: 'admin',
}

/** True for callers who are held to what they take part in, and may speak for nobody else. */
export function isRestricted({ role }: Caller): boolean {
  return role === 'user' || role === 'agent'
}

type Granting = 'everything' | 'this' | 'nothing'

/** What the token's own list says; grants narrow, except `admin`, which makes its holder a manager there. */
function granting({ grants }: Caller, action: ChannelAction, channelId: string): Granting {
  if (grants === undefined) return 'this'
  const allowed = new Set(
    grants
      .filter(({ pattern }) => matchesPattern(channelId, pattern))
      .flatMap(({ allow }) => allow),
  )
  if (allowed.has('admin')) return 'everything'
  return allowed.has(CAPABILITY_OF[action]) ? 'this' : 'nothing'
}

/** Whoever takes part in a DM manages it; any other channel its owner. */
function manages({ type, isOwner, isParticipant }: Standing): boolean {
  return isOwner || (isParticipant && (type === 'DM' || type === 'SELF'))
}

/** The one rule of who may do what in a channel. */
export function decide(
  caller: Caller,
  action: ChannelAction,
  where: { readonly channelId: string; readonly standing: Standing | undefined },
): Decision {
  const granted = granting(caller, action, where.channelId)
  if (!isRestricted(caller)) return granted === 'nothing' ? 'denied' : 'allowed'
  const { standing } = where
  if (standing === undefined) return 'hidden'
  if (granted === 'everything') return 'allowed'
  if (standing.visibility === 'private' && !standing.isParticipant) return 'hidden'
  if (granted === 'nothing') return 'denied'
  return action !== 'manage' || manages(standing) ? 'allowed' : 'denied'
}

/** Where somebody stands in a channel, with every entry up to a number counted in, and perhaps later ones. */
export interface Admission {
  readonly standing: Standing
  readonly upTo: number
}

/** The part of the log that decisions need. */
type AccessLog = Pick<ChannelLog, 'standing' | 'message' | 'head'>

/** How many a conversation of named people has at most; types that are not here may have any number. */
const MOST_IN: Readonly<Partial<Record<ChannelType, number>>> = { SELF: 1, DM: 2, VOICE_DM: 2 }

/** @throws ACCESS_DENIED when a user or agent would make a conversation of two one of three. */
export function requireFitting(
  caller: Caller,
  type: ChannelType,
  participants: Iterable<string>,
): void {
  const most = MOST_IN[type]
  if (!isRestricted(caller) || most === undefined) return
  if (new Set(participants).size <= most) return
  throw new ChannelError('ACCESS_DENIED', `A ${type} has at most ${most} participants.`)
}

/** What one must be allowed in a message's channel. */
function neededFor(action: MessageAction, isOwn: boolean): ChannelAction {
  if (action === 'read') return 'read'
  return isOwn ? 'send' : 'manage'
}

/** Decides who may do what. Every edge asks here, and nobody else decides. */
export class Access {
  readonly #log: AccessLog

  constructor(log: AccessLog) {
    this.#log = log
  }

  /** @throws CHANNEL_NOT_FOUND where the channel is hidden or absent; ACCESS_DENIED. */
  async check(caller: Caller, action: ChannelAction, channelId: string): Promise<void> {
    const decision = await this.#decide(caller, action, channelId)
    if (decision === 'hidden') throw new ChannelError('CHANNEL_NOT_FOUND')
    if (decision === 'denied') throw new ChannelError('ACCESS_DENIED')
  }

  /** Whether `check` would pass. */
  async may(caller: Caller, action: ChannelAction, channelId: string): Promise<boolean> {
    return (await this.#decide(caller, action, channelId)) === 'allowed'
  }

  /**
   * What a change of who takes part is to require beside the guard: no user or agent brings a third into a
   * conversation of two, nor exchanges one of the two for a third.
   */
  async participantsGuard(
    caller: Caller,
    channelId: string,
  ): Promise<{ readonly maxParticipants?: number }> {
    if (!isRestricted(caller)) return {}
    // A channel's type never changes, so what is read here still holds when the change is applied.
    const standing = await this.#log.standing(channelId, caller.entityId ?? '')
    const maxParticipants = standing && MOST_IN[standing.type]
    return maxParticipants === undefined ? {} : { maxParticipants }
  }

  /**
   * Where a restricted caller stands in a channel that it may join, and up to which entry that is counted in:
   * an older one, which the feed may still be about to bring, takes nothing away any more.
   *
   * @throws CHANNEL_NOT_FOUND where the channel is hidden or absent; ACCESS_DENIED.
   */
  async admit(caller: Caller, channelId: string): Promise<Admission> {
    // In this order: what is committed in between is counted in, and its entry looked at again.
    const upTo = await this.#log.head(channelId)
    const standing = await this.#log.standing(channelId, caller.entityId ?? '')
    const decision = decide(caller, 'join', { channelId, standing })
    if (standing === undefined || decision === 'hidden') throw new ChannelError('CHANNEL_NOT_FOUND')
    if (decision === 'denied') throw new ChannelError('ACCESS_DENIED')
    return { standing, upTo }
  }

  /**
   * The message, where it had to be looked up. Its author edits and deletes it where they may send; others
   * delete it where they manage the channel, and only administrators and services edit it.
   *
   * @throws MESSAGE_NOT_FOUND when it does not exist, is in another channel, or is hidden; ACCESS_DENIED.
   */
  async checkMessage(
    caller: Caller,
    action: MessageAction,
    named: { readonly messageId: string; readonly channelId?: string | undefined },
  ): Promise<Message | undefined> {
    // For those whom nothing is hidden from, each route has its own answer to what is not there.
    const isHeld = isRestricted(caller)
    if (!isHeld && caller.grants === undefined) return undefined
    const message = await this.#messageIn(named)
    if (message === undefined) {
      if (!isHeld) return undefined
      throw new ChannelError('MESSAGE_NOT_FOUND')
    }
    const isOwn = message.authorId === caller.entityId
    const decision = await this.#decide(caller, neededFor(action, isOwn), message.channelId)
    if (decision === 'hidden') throw new ChannelError('MESSAGE_NOT_FOUND')
    const isAnothers = action === 'edit' && isHeld && !isOwn
    if (decision === 'denied' || isAnothers) throw new ChannelError('ACCESS_DENIED')
    return message
  }

  async #messageIn(named: {
    readonly messageId: string
    readonly channelId?: string | undefined
  }): Promise<Message | undefined> {
    const message = await this.#log.message(named.messageId)
    const { channelId = message?.channelId } = named
    return message?.channelId === channelId ? message : undefined
  }

  async #decide(caller: Caller, action: ChannelAction, channelId: string): Promise<Decision> {
    const isLooked = isRestricted(caller)
    const standing = isLooked
      ? await this.#log.standing(channelId, caller.entityId ?? '')
      : undefined
    return decide(caller, action, { channelId, standing })
  }
}

/**
 * What a command is to require of the log, so that a right that was taken away meanwhile is not used;
 * empty for callers to whom nothing is hidden, and where the token makes its holder a manager.
 */
export function guardOf(caller: Caller, channelId?: string): { readonly visibleTo?: string } {
  if (!isRestricted(caller)) return {}
  const isManager =
    channelId !== undefined && granting(caller, 'manage', channelId) === 'everything'
  // Nobody takes part as '': a caller without an entity sees what is public.
  return isManager ? {} : { visibleTo: caller.entityId ?? '' }
}

/** Whose channels a list shows: undefined for callers who see them all. */
export function viewerOf(caller: Caller): string | undefined {
  return isRestricted(caller) ? (caller.entityId ?? '') : undefined
}

/**
 * Who makes a channel over REST: it is theirs, and they take part first. Undefined for those who make
 * channels for others.
 *
 * @throws ACCESS_DENIED when a user or agent chooses the `id`: whether it is free would tell of channels
 * that it may not see.
 */
export function ownerOf(caller: Caller, id: string | undefined): string | undefined {
  if (!isRestricted(caller)) return undefined
  if (id !== undefined) {
    throw new ChannelError('ACCESS_DENIED', "The server chooses your channel's id.")
  }
  return caller.entityId
}

/** @throws ACCESS_DENIED when a user or agent asks for a conversation of two others. */
export function requireParty(caller: Caller, parties: readonly string[]): void {
  if (!isRestricted(caller) || parties.some((party) => party === caller.entityId)) return
  throw new ChannelError('ACCESS_DENIED', 'One of the two must be you.')
}

/** False for what the token's own list rules out, whatever the channel is and whether it exists. */
export function isGranted(caller: Caller, action: ChannelAction, channelId: string): boolean {
  return granting(caller, action, channelId) !== 'nothing'
}

/** @throws ACCESS_DENIED for whoever is neither administrator nor service. */
export function requireAdmin({ role }: Caller): void {
  if (role === 'user' || role === 'agent') throw new ChannelError('ACCESS_DENIED')
}

/** @throws ACCESS_DENIED for users: what agents and services do among themselves. */
export function requireAgent({ role }: Caller): void {
  if (role === 'user') throw new ChannelError('ACCESS_DENIED')
}

/**
 * Whom the caller speaks as: a user only as itself; agents, services and administrators as whom they name.
 *
 * @throws ACCESS_DENIED when a user names somebody else.
 */
export function speakerOf(caller: Caller, named: string | undefined): string | undefined {
  if (caller.role !== 'user') return named ?? caller.entityId
  if (named !== undefined && named !== caller.entityId) {
    throw new ChannelError('ACCESS_DENIED', 'You may speak as yourself only.')
  }
  return caller.entityId
}
