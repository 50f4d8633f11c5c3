import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'

/** Milliseconds before a connection that the server broke is tried again. */
const RETRY_MS = 10

export interface RestEvents {
  /** The next request, whole. */
  next(): Buffer
  onAnswer(status: number, durationMs: number): void
  /** The connection broke before its answer came. */
  onBroken(): void
  readonly clock: () => number
}

/**
 * One client in a closed loop: the next request leaves with the answer to the one before, on the same
 * connection for as long as the server keeps it; where it closes, connecting again is part of the time.
 */
export class RestConnection {
  readonly #port: number
  readonly #events: RestEvents
  #isOver = false
  #socket: Socket | undefined

  constructor(port: number, events: RestEvents) {
    this.#port = port
    this.#events = events
  }

  start(): void {
    this.#open(this.#events.clock())
  }

  stop(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #open(firstSentAt: number): void {
    if (this.#isOver) return
    const { clock } = this.#events
    const reader = new AnswerReader()
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    let sentAt = firstSentAt
    let isDone = false
    socket.write(this.#events.next())
    socket.on('data', (bytes) => {
      const answer = reader.push(bytes)
      if (answer === undefined || isDone) return
      const now = clock()
      this.#events.onAnswer(answer.status, now - sentAt)
      sentAt = now
      if (!answer.closes) {
        socket.write(this.#events.next())
        return
      }
      isDone = true
      socket.destroy()
      this.#open(now)
    })
    const onBroken = (): void => {
      if (isDone || this.#isOver) return
      isDone = true
      socket.destroy()
      this.#events.onBroken()
      setTimeout(() => this.#open(sentAt), RETRY_MS)
    }
    socket.once('error', onBroken)
    socket.once('close', onBroken)
  }
}
