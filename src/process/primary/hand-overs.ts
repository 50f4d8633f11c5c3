import type { Socket } from 'node:net'
import type { ManagedChild } from './managed-child.ts'
import { detachSocket } from '../gateway/raw-socket.ts'
import { REFUSALS, refuseUpgrade } from '../gateway/refusals.ts'
import type { UpgradeRequest } from '../gateway/upgrade-request.ts'
import { machineTimeMs } from '../machine-time.ts'

/** Longest that a passed socket waits for its gateway to take it; then it is closed. */
const TAKE_TIMEOUT_MS = 5_000
/** Hand-overs under way at a time; past it sockets are refused, and their clients go on polling. */
const MAX_UNDER_WAY = 1_000

interface HandOver {
  readonly target: ManagedChild
  readonly socket: Socket
  readonly timer: NodeJS.Timeout
}

/**
 * Passes upgrade requests with their sockets from the gateway that got them to the one that has the
 * session. Every socket that comes here is taken by its gateway, or answered "Session ID unknown"
 * and closed: the primary keeps its copy until the gateway has taken the socket, since only then is
 * somebody else answerable for it.
 */
export class HandOvers {
  readonly #underWay = new Map<number, HandOver>()
  #lastId = 0

  pass(target: ManagedChild | undefined, request: UpgradeRequest, socket: Socket): void {
    const rest = detachSocket(socket)
    // A client that is gone by now is the receiver's to notice.
    socket.on('error', () => undefined)
    if (target === undefined || target.hasExited || this.#underWay.size >= MAX_UNDER_WAY) {
      refuseUpgrade(socket, REFUSALS.unknownSession)
      return
    }
    const handOverId = ++this.#lastId
    const timer = setTimeout(() => {
      this.#refuse(handOverId)
    }, TAKE_TIMEOUT_MS)
    this.#underWay.set(handOverId, { target, socket, timer })
    const head = Buffer.concat([request.head, rest])
    const expiresAtMs = machineTimeMs() + TAKE_TIMEOUT_MS
    target.send(
      { parley: 'upgrade', handOverId, expiresAtMs, request: { ...request, head } },
      socket,
    )
  }

  /** The gateway has it: this process's copy is closed, the connection lives on. */
  taken(handOverId: number): void {
    this.#end(handOverId)?.destroy()
  }

  /**
   * Answers what was on its way to processes that have ended; called when one has. A wait on the
   * process for each hand-over would stay until that ends, long after the socket was taken.
   */
  refuseEnded(): void {
    for (const [handOverId, { target }] of this.#underWay) {
      if (target.hasExited) this.#refuse(handOverId)
    }
  }

  #refuse(handOverId: number): void {
    const socket = this.#end(handOverId)
    if (socket !== undefined) refuseUpgrade(socket, REFUSALS.unknownSession)
  }

  #end(handOverId: number): Socket | undefined {
    const handOver = this.#underWay.get(handOverId)
    clearTimeout(handOver?.timer)
    this.#underWay.delete(handOverId)
    return handOver?.socket
  }
}
