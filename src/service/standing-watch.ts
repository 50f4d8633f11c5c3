import type { Standing } from '../log/log.ts'
import type { Entry } from '../protocol/model.ts'
import { decide } from './access.ts'
import type { Admission } from './access.ts'
import type { Caller } from './caller.ts'

type ChangeEntry = Extract<Entry, { readonly kind: 'updated' | 'participants' }>

/** True for entries after which somebody who was let into a channel may have to leave it. */
export function mayEndStay({ kind }: Entry): boolean {
  return kind === 'participants' || kind === 'updated' || kind === 'removed'
}

/**
 * Follows through the entries of a channel whether one who was let in may stay.
 *
 * The log's own order decides, so a right ends at the same entry on every gateway and no signal that
 * could be lost is needed. Where a hole in the feed was filled from storage an entry shows the channel
 * as it is now, and the stay then ends with the first entry that shows it closed.
 */
export class StandingWatch {
  readonly #caller: Caller
  readonly #channelId: string
  readonly #upTo: number
  #standing: Standing | undefined

  constructor(caller: Caller, channelId: string, { standing, upTo }: Admission) {
    this.#caller = caller
    this.#channelId = channelId
    this.#standing = standing
    this.#upTo = upTo
  }

  /** True when the caller may not stay after this entry. Takes every entry that `mayEndStay`, in order. */
  isEndedBy(entry: Entry): boolean {
    // From before the decision; delivery begins behind it.
    if (entry.seq <= this.#upTo) return false
    if (entry.kind === 'removed') this.#standing = undefined
    else if (entry.kind === 'updated' || entry.kind === 'participants') this.#apply(entry)
    else return false
    const where = { channelId: this.#channelId, standing: this.#standing }
    return decide(this.#caller, 'join', where) !== 'allowed'
  }

  #apply({ channel, added, removed }: ChangeEntry): void {
    const { entityId } = this.#caller
    const before = this.#standing
    if (before === undefined || entityId === undefined) return
    const isAdded = added.some((one) => one.entityId === entityId)
    const isParticipant = isAdded || (before.isParticipant && !removed.includes(entityId))
    // A channel that is deleted by now shows nothing of itself: what is known of it holds until that entry.
    this.#standing =
      channel === null
        ? { ...before, isParticipant }
        : {
            type: channel.type,
            visibility: channel.visibility,
            isOwner: channel.ownerId === entityId,
            isParticipant,
          }
  }
}
