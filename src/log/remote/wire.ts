import { ChannelError, isErrorCode } from '../../protocol/errors.ts'
import type { ChannelActivity, Entry } from '../../protocol/model.ts'
import type { TurnRef } from '../agent-work.ts'
import type { Applied } from '../engine.ts'
import type { Command, Outcome } from '../log.ts'

/**
 * What travels on the log's frames, as JSON. Positional, because keys of a hundred thousand answers
 * a second cost more than what they say. `ref` is the asker's number for an append or a follow.
 */
export type AppendPayload = readonly [ref: number, command: Command]
/** `again` is 1 where the channel was followed over an earlier link. */
export type FollowPayload = readonly (readonly [ref: number, channelId: string, again?: 1])[]
/** `activity` where agents are at work in the channel. */
export type FollowedPayload = readonly (readonly [
  ref: number,
  position: number,
  activity?: ChannelActivity,
])[]
export type TurnPayload = readonly [act: 'begin' | 'end', turn: TurnRef]
/** `upTo` comes with a newest entry that is too large for a frame: the follower reads it instead. */
export type EntriesPayload = readonly [
  channelId: string,
  entries: readonly Entry[],
  upTo?: number | undefined,
]
export interface ReadyPayload {
  readonly epoch: string
}

/** A new message's answer without the message, which the asker has: `flags` is `PostFlag`, `serverId` where it cannot know it. */
type PostedAnswer = readonly [
  ref: number,
  seq: number,
  at: number,
  flags: number,
  serverId?: string | undefined,
]
type FullAnswer = readonly [ref: number, outcome: Outcome]
type Refusal = readonly [ref: number, refused: null, code: string, message: string]
export type Answer = PostedAnswer | FullAnswer | Refusal

const HAS_AGENTS = 1
const SAYS_AGENTS = 2

/** The shortest answer from which `decodeAnswer` makes the same outcome. */
export function encodeAnswer(ref: number, command: Command, applied: Applied): Answer {
  if ('error' in applied) return [ref, null, applied.error.code, applied.error.message]
  const { outcome } = applied
  const { seq, message, hasAgents } = outcome
  const isPlain =
    command.type === 'post' &&
    outcome.isDuplicate !== true &&
    outcome.isCreated !== true &&
    outcome.channel === undefined
  if (!isPlain || seq === undefined || message === undefined) return [ref, outcome]
  const flags = hasAgents === undefined ? 0 : SAYS_AGENTS | (hasAgents ? HAS_AGENTS : 0)
  const isKnown = message.serverId === command.create?.serverId
  const answer = [ref, seq, message.createdAt, flags] as const
  return isKnown ? answer : [...answer, message.serverId]
}

/** @throws the refusal. */
export function decodeAnswer(command: Command, answer: Answer): Outcome {
  if (answer[1] === null) {
    const [, , code, message] = answer
    throw new ChannelError(isErrorCode(code) ? code : 'INTERNAL', message)
  }
  if (answer.length === 2) return answer[1]
  if (command.type !== 'post') throw new ChannelError('INTERNAL')
  const [, seq, at, flags, serverId = command.create?.serverId ?? ''] = answer
  const { id, channelId, authorId, clientMessageId, body } = command.message
  const message = {
    id,
    channelId,
    serverId,
    seq,
    authorId,
    ...(clientMessageId !== undefined && { clientMessageId }),
    body,
    createdAt: at,
    updatedAt: at,
  }
  if ((flags & SAYS_AGENTS) === 0) return { seq, message }
  return { seq, message, hasAgents: (flags & HAS_AGENTS) !== 0 }
}

/**
 * Joins encoded items into JSON arrays of at most `maxChars` each. An item that is longer stands for
 * itself in `tooLong`, so that no frame passes the link's bound.
 */
export function packJson(
  items: readonly string[],
  maxChars: number,
): { readonly arrays: readonly string[]; readonly tooLong: readonly number[] } {
  const arrays: string[] = []
  const tooLong: number[] = []
  let open: string[] = []
  let chars = 0
  const close = (): void => {
    if (open.length > 0) arrays.push(`[${open.join(',')}]`)
    open = []
    chars = 0
  }
  for (const [index, item] of items.entries()) {
    if (item.length > maxChars) {
      tooLong.push(index)
      continue
    }
    if (chars + item.length > maxChars) close()
    open.push(item)
    chars += item.length + 1
  }
  close()
  return { arrays, tooLong }
}
