import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { Connection } from './connection.ts'

/** Milliseconds between two looks: no connection outlives its token by more. */
const LOOK_EVERY_MS = 1_000

/** What is looked at and done when a connection's time is over. */
type Expiring = Pick<Connection, 'caller' | 'stopHearing' | 'outbox'>

/**
 * Ends every connection when its token does (`exp` and the tolerance, by the machine's clock): nothing it
 * says is heard from then on, and its transport closes with 4200, "get a new token first".
 *
 * One timer for all, looking at the clock each second: a clock that is set is noticed, expiries of any
 * distance need no timer of theirs (`setTimeout` takes 24 days), and without any there is no timer.
 */
export class TokenExpiries {
  readonly #expiring = new Set<Expiring>()
  #timer: NodeJS.Timeout | undefined

  /** Takes the connection in, if its token ends at all. */
  watch(connection: Expiring): void {
    if (connection.caller.expiresAtMs === undefined) return
    this.#expiring.add(connection)
    this.#timer ??= setInterval(this.#look, LOOK_EVERY_MS)
  }

  forget(connection: Expiring): void {
    if (this.#expiring.delete(connection)) this.#restIfIdle()
  }

  readonly #look = (): void => {
    const nowMs = Date.now()
    for (const connection of this.#expiring) {
      const { expiresAtMs } = connection.caller
      if (expiresAtMs === undefined || nowMs < expiresAtMs) continue
      this.#expiring.delete(connection)
      connection.stopHearing()
      connection.outbox.close(CLOSE_CODES.TOKEN_EXPIRED, 'token expired: get a new one')
    }
    this.#restIfIdle()
  }

  #restIfIdle(): void {
    if (this.#expiring.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
