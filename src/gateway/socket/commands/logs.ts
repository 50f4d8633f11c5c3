import { describeIssues, logFilterSchema } from '../../../protocol/schemas.ts'
import { EVENTS, TEXTS } from '../../../protocol/wire.ts'
import { requireAdmin } from '../../../service/access.ts'
import { compact } from '../../../util/compact.ts'
import type { Edge, Request } from '../edge.ts'
import type { LogFilter } from '../log-subscriptions.ts'

/** Starts the log stream for the connection; again changes nothing. The log tells of everybody: users and agents are refused. */
export function subscribeLogs(edge: Edge, { connection, acknowledge }: Request): void {
  requireAdmin(connection.caller)
  edge.logs.add(connection)
  const answer = { subscribed: true, message: TEXTS.logsSubscribed }
  connection.emit(EVENTS.logSubscriptionConfirmed, answer)
  acknowledge(answer)
}

/** Ends the log stream for the connection; without one it answers alike. */
export function unsubscribeLogs(edge: Edge, { connection, acknowledge }: Request): void {
  requireAdmin(connection.caller)
  edge.logs.remove(connection)
  const answer = { subscribed: false, message: TEXTS.logsUnsubscribed }
  connection.emit(EVENTS.logSubscriptionConfirmed, answer)
  acknowledge(answer)
}

/** Merges into the connection's filter: `agentName` exact, `level` at or above, `all` for either. */
export function filterLogs(edge: Edge, { connection, payload, acknowledge }: Request): void {
  requireAdmin(connection.caller)
  const parsed = logFilterSchema.safeParse(payload ?? {})
  const answer = parsed.success
    ? refined(edge.logs.refine(connection, compact(parsed.data)))
    : { success: false, error: describeIssues(parsed.error) }
  connection.emit(EVENTS.logFiltersUpdated, answer)
  acknowledge(answer)
}

function refined(filters: LogFilter | undefined): object {
  return filters === undefined
    ? { success: false, error: TEXTS.logsNotSubscribed }
    : { success: true, filters }
}
