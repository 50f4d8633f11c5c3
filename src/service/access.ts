import type { ChannelLog, ParticipantGuard, Standing } from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import type { ChannelType, Message } from '../protocol/model.ts'
import type { Caller, Capability } from './caller.ts'
import { granting, isNamed, isNarrowed, requireUnnarrowed } from './grants.ts'

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
  const granted = granting(caller, CAPABILITY_OF[action], where.channelId)
  if (!isRestricted(caller)) return granted === 'nothing' ? 'denied' : 'allowed'
  const { standing } = where
  if (standing === undefined) return 'hidden'
  if (granted === 'everything') return 'allowed'
  if (standing.visibility === 'private' && !standing.isParticipant) return 'hidden'
  if (granted === 'nothing') return 'denied'
  return action !== 'manage' || manages(standing) ? 'allowed' : 'denied'
}

/** Where somebody stands in a channel at the moment at which an entry was its newest. */
export interface Admission {
  readonly standing: Standing
  readonly upTo: number
}

/** How often the log is looked at for a moment between two changes of a channel, before the join is refused. */
const MAX_LOOKS = 16

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
   * An agent is in a channel under another's name only where it takes part itself, or manages by its token.
   *
   * @throws ACCESS_DENIED.
   */
  async checkSpeaker(caller: Caller, named: string | undefined, channelId: string): Promise<void> {
    if (caller.role !== 'agent' || named === undefined || named === caller.entityId) return
    if (granting(caller, 'admin', channelId) === 'everything') return
    const standing = await this.#log.standing(channelId, caller.entityId ?? '')
    if (standing?.isParticipant !== true) throw new ChannelError('ACCESS_DENIED')
  }

  /**
   * Where a restricted caller stands in a channel that it may join, and at which entry: what the feed may still
   * be about to bring of it up to there is from a time about which this says nothing.
   *
   * @throws CHANNEL_NOT_FOUND where the channel is hidden or absent; ACCESS_DENIED; OVERLOADED when the channel
   * changes faster than it can be looked at.
   */
  async admit(caller: Caller, channelId: string): Promise<Admission> {
    const { standing, upTo } = await this.#standingNow(caller, channelId)
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

  /** With the same head before and after it, the standing is the one at that head. */
  async #standingNow(
    { entityId = '' }: Caller,
    channelId: string,
  ): Promise<{ readonly standing: Standing | undefined; readonly upTo: number }> {
    let upTo = await this.#log.head(channelId)
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const standing = await this.#log.standing(channelId, entityId)
      const head = await this.#log.head(channelId)
      if (head === upTo) return { standing, upTo }
      upTo = head
    }
    throw new ChannelError('OVERLOADED')
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
  const isManager = channelId !== undefined && granting(caller, 'admin', channelId) === 'everything'
  // Nobody takes part as '': a caller without an entity sees what is public.
  return isManager ? {} : { visibleTo: caller.entityId ?? '' }
}

/**
 * What a change of who takes part is to require: of a conversation, users and agents may take themselves out
 * and nothing else, as who comes into it later would read what was said to another.
 */
export function participantsGuardOf(caller: Caller, channelId: string): ParticipantGuard {
  const party = isRestricted(caller) ? { asParty: caller.entityId ?? '' } : {}
  return { ...guardOf(caller, channelId), ...party }
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
 * that it may not see; also where the token lists channels, of which a new one is none.
 */
export function ownerOf(caller: Caller, id: string | undefined): string | undefined {
  requireUnnarrowed(caller)
  if (!isRestricted(caller)) return undefined
  if (id !== undefined) {
    throw new ChannelError('ACCESS_DENIED', "The server chooses your channel's id.")
  }
  return caller.entityId
}

/** @throws ACCESS_DENIED when a user or agent asks for a conversation of two others; where the token lists channels. */
export function requireParty(caller: Caller, parties: readonly string[]): void {
  requireUnnarrowed(caller)
  if (!isRestricted(caller) || parties.some((party) => party === caller.entityId)) return
  throw new ChannelError('ACCESS_DENIED', 'One of the two must be you.')
}

/** False for what the token's own list rules out, whatever the channel is and whether it exists. */
export function isGranted(caller: Caller, action: ChannelAction, channelId: string): boolean {
  return granting(caller, CAPABILITY_OF[action], channelId) !== 'nothing'
}

/** Whether the caller is to see and change what is beyond channels: no user, no agent, nobody narrowed to some. */
export function isAdmin(caller: Caller): boolean {
  return !isRestricted(caller) && !isNarrowed(caller)
}

/** @throws ACCESS_DENIED for whoever is neither administrator nor service, and where the token lists channels. */
export function requireAdmin(caller: Caller): void {
  if (!isAdmin(caller)) throw new ChannelError('ACCESS_DENIED')
}

/** Whether a message to a channel that does not exist makes it: not for users, agents and tokens that list channels. */
export function mayCreateBySending(caller: Caller): boolean {
  return isAdmin(caller)
}

/** Whether the caller, who takes itself out of a channel, needs no right there but to have its name in the token. */
export function mayLeave(caller: Caller, channelId: string, leaving: string): boolean {
  return leaving === caller.entityId && isNamed(caller, channelId)
}

/** @throws ACCESS_DENIED for users: what agents and services do among themselves. */
export function requireAgent({ role }: Caller): void {
  if (role === 'user') throw new ChannelError('ACCESS_DENIED')
}

/**
 * Whom the caller speaks as: a user only as itself; agents, services and administrators as whom they
 * name; an agent where it takes part, which the log looks at (`Guard.visibleTo`), or `checkSpeaker`.
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
