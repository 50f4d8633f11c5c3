import type { ChannelType, EntryKind, MessageServer, Visibility } from '../../protocol/model.ts'
import type { ChannelDraft } from '../log.ts'

/** What people wrote about a channel; erased when the channel is deleted. */
export type ChannelWords = Pick<
  ChannelDraft,
  'name' | 'sourceType' | 'sourceId' | 'topic' | 'metadata'
>

/** A channel as stored. A deleted one stays, so that its numbers and its idempotency keys stay. */
export interface ChannelRecord {
  /** Names the channel inside the store, for ever. */
  readonly key: number
  readonly id: string
  readonly serverId: string
  readonly type: ChannelType
  readonly words: ChannelWords
  readonly createdAt: number
  readonly updatedAt: number
  /** The id of the command that made the channel (again): a resubmitted one is recognised by it. */
  readonly createdBy: string
  /** Ascends with every creation and re-creation over the whole store. */
  readonly order: number
  /** Set on the one live DM channel of two entities on a server. */
  readonly dmKey: string | null
  readonly isLive: boolean
  /** Whether an agent takes part: a post tells it without reading the participants. */
  readonly hasAgents: boolean
  /** How many take part: a newcomer is weighed against the bound without counting them. */
  readonly participantCount: number
  readonly visibility: Visibility
  /** Erased when the channel is deleted. */
  readonly ownerId: string | null
  /** Messages up to this number are erased for every reader, whether their rows were swept or not. */
  readonly clearedSeq: number
  /** Rows up to this number hold no content any more; ≤ `clearedSeq`. */
  readonly sweptSeq: number
}

/** A server as stored; a deleted one stays for the id of the command that deleted it. */
export interface ServerRecord {
  readonly server: MessageServer
  readonly createdBy: string
  readonly removedBy: string | null
  readonly isLive: boolean
}

/** One numbered change as stored. */
export interface EntryRow {
  readonly channelKey: number
  readonly seq: number
  /** Unique in the store: the message's id for a posting, the command's id for all others. */
  readonly id: string
  readonly kind: EntryKind
  /** Epoch ms; never less than that of `seq - 1`. */
  readonly at: number
  /** Postings only; stays after an erasure. */
  readonly authorId?: string
  /** Postings only; stays after an erasure. */
  readonly clientMessageId?: string
  /** Postings only; whether agents were to deal with it when it was posted. */
  readonly isAwaited?: boolean
  /** Epoch ms of the last edit of a posting. */
  readonly updatedAt?: number
  /** Of edits and deletions: the number of the message's posting. */
  readonly messageSeq?: number
  /** JSON: a posting's body until it is erased, a participants entry's changes. */
  readonly data: string | null
}

/** A channel's newest entry; zeros when there is none. */
export interface Tail {
  readonly seq: number
  readonly at: number
}
