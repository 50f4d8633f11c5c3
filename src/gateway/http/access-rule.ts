import type { Guard } from '../../log/log.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { ChannelError } from '../../protocol/errors.ts'
import {
  guardOf,
  isRestricted,
  mayLeave,
  requireAdmin,
  requireAgent,
} from '../../service/access.ts'
import type { Access, ChannelAction, MessageAction } from '../../service/access.ts'
import type { Caller } from '../../service/caller.ts'

/** Asks about the channel that the path names. */
interface ChannelRule {
  readonly channel: ChannelAction
  /** The parameter that may name the caller itself, who then needs no right: leaving is allowed wherever the token has any. */
  readonly orSelf?: 'entityId' | 'agentId'
}

/** Asks about the message that the path names, and about the channel, where the path names that, too. */
interface MessageRule {
  readonly message: MessageAction
  /** Refuses users, whatever the message. */
  readonly by?: 'agent'
}

/** For agents: asks about the channel that the body names as `channel_id`. */
interface BodyChannelRule {
  readonly bodyChannel: ChannelAction
}

/**
 * Who may use a route.
 *
 * - `public`: everybody; no key or token is looked at.
 * - `caller`: whoever says who it is. The handler shows what that caller may see, and nothing else.
 * - `admin`: administrators and services.
 */
export type AccessRule = 'public' | 'caller' | 'admin' | ChannelRule | MessageRule | BodyChannelRule

/** What a rule asks about, after validation; a field that a route does not have is not there. */
type Named = Readonly<Record<string, unknown>>

function textIn(named: Named, field: string): string {
  const value = named[field]
  // A rule that asks for what the route's schema does not have: a bug, and nobody gets in by it.
  if (typeof value !== 'string') throw new Error(`the access rule lacks its ${field}`)
  return value
}

const optionalText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

interface Asked {
  readonly caller: Caller
  readonly params: Named
  readonly access: Access
}

async function admitToChannel(rule: ChannelRule, asked: Asked): Promise<Guard> {
  const { caller, params, access } = asked
  const channelId = textIn(params, 'channelId')
  const isLeaving =
    rule.orSelf !== undefined && mayLeave(caller, channelId, textIn(params, rule.orSelf))
  if (!isLeaving) await access.check(caller, rule.channel, channelId)
  return guardOf(caller, channelId)
}

async function admitToMessage(rule: MessageRule, asked: Asked): Promise<Guard> {
  const { caller, params, access } = asked
  if (rule.by === 'agent') requireAgent(caller)
  const messageId = textIn(params, 'messageId')
  const channelId = optionalText(params.channelId)
  const message = await access.checkMessage(caller, rule.message, { messageId, channelId })
  return guardOf(caller, message?.channelId)
}

/**
 * Decides what the path alone decides, and answers what the route's commands are to require. Comes before
 * query and body are looked at, so that what is wrong with them says nothing about what is hidden.
 *
 * @throws ACCESS_DENIED; CHANNEL_NOT_FOUND and MESSAGE_NOT_FOUND where something is hidden or absent.
 */
export async function admit(rule: AccessRule, asked: Asked): Promise<Guard> {
  const { caller } = asked
  if (typeof rule === 'string' || 'bodyChannel' in rule) {
    if (rule === 'admin') requireAdmin(caller)
    if (typeof rule === 'object') requireAgent(caller)
    return guardOf(caller)
  }
  return 'channel' in rule ? admitToChannel(rule, asked) : admitToMessage(rule, asked)
}

/**
 * Decides again about what was read: it may be newer than the first decision, and a right that ended in
 * between shows nothing of what came after it.
 *
 * @throws as `admit`.
 */
export async function admitRead(rule: AccessRule, asked: Asked): Promise<void> {
  if (typeof rule === 'object' && isRestricted(asked.caller)) await admit(rule, asked)
}

/** Decides what the body's channel decides. @throws as `admit`. */
export async function admitBody(
  rule: AccessRule,
  asked: Omit<Asked, 'params'> & { readonly body: unknown },
): Promise<Guard | undefined> {
  if (typeof rule === 'string' || !('bodyChannel' in rule)) return undefined
  const { caller, body, access } = asked
  const fields: Named = typeof body === 'object' && body !== null ? { ...body } : {}
  const channelId = textIn(fields, 'channel_id')
  await access.check(caller, rule.bodyChannel, channelId)
  return guardOf(caller, channelId)
}

/** @throws UNAUTHENTICATED: a route that is not public, where nobody asked who calls. */
export function requireCaller(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new ChannelError('UNAUTHENTICATED')
  return caller
}

const WHO: readonly ErrorCode[] = ['UNAUTHENTICATED', 'TOKEN_INVALID', 'TOKEN_EXPIRED']

/** What a rule may refuse with. */
export function refusalsOf(rule: AccessRule): readonly ErrorCode[] {
  if (rule === 'public') return []
  if (rule === 'caller') return WHO
  if (typeof rule === 'string') return [...WHO, 'ACCESS_DENIED']
  return [...WHO, 'ACCESS_DENIED', 'message' in rule ? 'MESSAGE_NOT_FOUND' : 'CHANNEL_NOT_FOUND']
}

const ACTION_WORDS: Readonly<Record<ChannelAction, string>> = {
  join: 'join the channel',
  read: 'read the channel',
  send: 'send to the channel',
  manage: 'manage the channel',
}

const MESSAGE_WORDS: Readonly<Record<MessageAction, string>> = {
  read: 'read the message',
  edit: 'edit the message, which is its author',
  delete: 'delete the message: its author, or who manages the channel',
}

/** Who may use the route, for the API page; undefined where everybody with a key or token may. */
export function whoMay(rule: AccessRule): string | undefined {
  if (rule === 'public' || rule === 'caller') return undefined
  if (rule === 'admin') return 'For administrators and services.'
  if ('bodyChannel' in rule) {
    return `For agents who may ${ACTION_WORDS[rule.bodyChannel]}, administrators and services.`
  }
  if ('message' in rule) {
    const who = rule.by === 'agent' ? 'agents' : 'those'
    return `For ${who} who may ${MESSAGE_WORDS[rule.message]}.`
  }
  const self = rule.orSelf === undefined ? '' : '; oneself, always'
  return `For those who may ${ACTION_WORDS[rule.channel]}${self}.`
}
