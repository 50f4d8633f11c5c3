import { ChannelError } from '../../protocol/errors.ts'
import type { FailureReport } from '../inbox.ts'
import type { Command } from '../log.ts'
import { isDismissed } from './apply-agents.ts'
import { quiet, requireChannelByKey } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import { PASSED_ALL } from './inbox-store.ts'
import type { Cursor, FailureRecord } from './inbox-store.ts'
import { ENGINE_LIMITS } from './limits.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>
type OnFailure = CommandOf<'retry-failure' | 'discard-failure'>

/** @throws AGENT_NOT_FOUND. */
export function applyOpenInbox(context: ApplyContext, command: CommandOf<'open-inbox'>): Effect {
  const { inbox } = context.store
  if (isDismissed(context, command)) throw new ChannelError('AGENT_NOT_FOUND')
  const newest = inbox.newestPlace()
  const cursor = inbox.cursor(command.agentId)
  if (cursor !== undefined && cursor.place <= newest) return quiet({ place: cursor.place })
  const settledBy = cursor?.settledBy ?? null
  saveCursor(context, { agentId: command.agentId, earlier: cursor }, { place: newest, settledBy })
  return quiet({ place: newest })
}

/** Whoever is run is an agent wherever it takes part, also where it was added before anybody knew that. */
function saveCursor(
  context: ApplyContext,
  { agentId, earlier }: { readonly agentId: string; readonly earlier: Cursor | undefined },
  cursor: Cursor,
): void {
  const { store } = context
  store.inbox.saveCursor(agentId, cursor)
  if (earlier !== undefined) return
  for (const key of store.keysAsPerson(agentId, ENGINE_LIMITS.maxChannelsOfNewAgent)) {
    store.saveParticipant(key, { entityId: agentId, isAgent: true })
    store.saveChannel({ ...requireChannelByKey(context, key), hasAgents: true })
  }
}

/** @throws INVALID_PAYLOAD. */
export function applySettle(context: ApplyContext, command: CommandOf<'settle'>): Effect {
  const { inbox } = context.store
  const { agentId, upTo, failures = [], resolved = [] } = command
  requireBounded(failures)
  requireBounded(resolved)
  if (isDismissed(context, command)) return quiet({ place: 0 })
  const earlier = inbox.cursor(agentId)
  if (earlier?.settledBy === command.id) return quiet({ place: earlier.place, isDuplicate: true })
  if (earlier !== undefined && changesNothing(command, earlier)) {
    return quiet({ place: earlier.place })
  }
  const place = Math.min(Math.max(upTo, earlier?.place ?? 0), inbox.newestPlace())
  saveCursor(context, { agentId, earlier }, { place, settledBy: command.id })
  inbox.forgetCancelled(agentId, place)
  for (const each of resolved) inbox.removeFailure(agentId, each)
  const failuresDropped = saveFailures(context, agentId, failures)
  return quiet({ place, ...(failuresDropped > 0 && { failuresDropped }) })
}

/** @throws INVALID_PAYLOAD. */
function requireBounded({ length }: readonly unknown[]): void {
  if (length > ENGINE_LIMITS.maxFailuresPerSettle) throw new ChannelError('INVALID_PAYLOAD')
}

/** One that asks for more than there is would move the cursor when it is repeated: it is remembered. */
function changesNothing(command: CommandOf<'settle'>, { place }: Cursor): boolean {
  const { upTo, failures = [], resolved = [] } = command
  return upTo <= place && failures.length + resolved.length === 0
}

/** Answers how many old ones had to go for them. */
function saveFailures(
  context: ApplyContext,
  agentId: string,
  failures: readonly FailureReport[],
): number {
  if (failures.length === 0) return 0
  const { inbox } = context.store
  for (const failure of failures) saveFailure(context, agentId, failure)
  const surplus = inbox.failureCount(agentId) - ENGINE_LIMITS.maxFailures
  if (surplus > 0) inbox.dropOldestFailures(agentId, surplus)
  return Math.max(surplus, 0)
}

function saveFailure(
  context: ApplyContext,
  agentId: string,
  { messageId, place, attempts, reason }: FailureReport,
): void {
  const { inbox } = context.store
  const row = inbox.entryAt(place)
  // What was cleared and not swept yet is in no list, and goes with the sweep.
  if (row?.kind !== 'posted' || row.id !== messageId || row.data === null) return
  inbox.saveFailure({
    agentId,
    place,
    channelKey: row.channelKey,
    seq: row.seq,
    state: 'failed',
    attempts,
    at: context.nowMs,
    changedBy: null,
    reason: cut(reason),
  })
}

export function applyPassOver(
  { store }: ApplyContext,
  { agentIds, upTo = PASSED_ALL }: CommandOf<'pass-over'>,
): Effect {
  for (const agentId of agentIds) store.inbox.passOver(agentId, upTo)
  return quiet({})
}

/** @throws FAILURE_NOT_FOUND. */
export function applyRetryFailure(context: ApplyContext, command: OnFailure): Effect {
  const failure = requireFailure(context, command)
  const { place, changedBy } = failure
  if (changedBy === command.id) return quiet({ place, isDuplicate: true })
  if (failure.state === 'failed') {
    context.store.inbox.saveFailure({ ...failure, state: 'retried', changedBy: command.id })
  }
  return quiet({ place })
}

/** @throws FAILURE_NOT_FOUND. */
export function applyDiscardFailure(context: ApplyContext, command: OnFailure): Effect {
  const failure = requireFailure(context, command)
  const { place, changedBy } = failure
  if (changedBy === command.id) return quiet({ place, isDuplicate: true })
  const { nowMs: at, store } = context
  const { discardMemoryMs, discardsForgotten } = ENGINE_LIMITS
  store.inbox.forgetDiscarded(failure.agentId, at - discardMemoryMs, discardsForgotten)
  const changed = { state: 'discarded', changedBy: command.id, at, reason: '' } as const
  store.inbox.saveFailure({ ...failure, ...changed })
  return quiet({ place })
}

/** One that the list has, or one that this command itself has changed. @throws FAILURE_NOT_FOUND. */
function requireFailure(context: ApplyContext, command: OnFailure): FailureRecord {
  const failure = context.store.inbox.failureOf(command.agentId, command.messageId)
  if (failure !== undefined) {
    if (failure.changedBy === command.id) return failure
    const { clearedSeq } = requireChannelByKey(context, failure.channelKey)
    const isListed = failure.state === 'failed' || failure.state === 'retried'
    if (isListed && failure.seq > clearedSeq) return failure
  }
  throw new ChannelError('FAILURE_NOT_FOUND')
}

/** Never between the halves of one character. */
function cut(reason: string): string {
  const { maxReasonChars } = ENGINE_LIMITS
  const whole = reason.replaceAll(/\p{Surrogate}/gu, '\uFFFD')
  if (whole.length <= maxReasonChars) return whole
  return whole.slice(0, maxReasonChars).replace(/\p{Surrogate}$/u, '')
}
