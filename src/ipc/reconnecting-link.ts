import type { Logger } from '../telemetry/logger.ts'
import { connectLink } from './connect.ts'
import type { ConnectLinkOptions } from './connect.ts'
import { LinkRefusedError } from './hello.ts'
import type { FramedLink, FrameHandler } from './link.ts'

export interface ReconnectingLinkOptions extends ConnectLinkOptions {
  readonly logger?: Logger
}

/** Waits before the first and at most before any later attempt, in ms; each is shortened by up to half. */
const MIN_DELAY_MS = 10
const MAX_DELAY_MS = 500

/**
 * A link that is opened again whenever it closes, until `close`.
 *
 * Frames are not kept across links: whoever must not lose any repeats them in `onOpen`. Several
 * subsystems share one; they register before `start`, and are called in the order of registration.
 */
export class ReconnectingLink {
  readonly #options: ReconnectingLinkOptions
  readonly #handlers = new Map<number, FrameHandler>()
  readonly #onOpen: (() => void)[] = []
  readonly #onClose: ((reason: string) => void)[] = []
  readonly #onDrain: (() => void)[] = []
  #link: FramedLink | undefined
  #delayMs = MIN_DELAY_MS
  #openedAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #attempt: Promise<void> | undefined
  /** Why there is no link; the same is logged once. */
  #problem: string | undefined = 'not connected yet'
  #isClosed = false

  constructor(options: ReconnectingLinkOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#link !== undefined
  }

  /** Bytes that wait for the peer to read; 0 without a link. */
  get bufferedBytes(): number {
    return this.#link?.bufferedBytes ?? 0
  }

  handle(kind: number, handler: FrameHandler): void {
    this.#handlers.set(kind, handler)
  }

  /** Calls after every opening, before any frame of the new link is dispatched. */
  onOpen(listener: () => void): void {
    this.#onOpen.push(listener)
  }

  /** Calls after every loss of an open link. */
  onClose(listener: (reason: string) => void): void {
    this.#onClose.push(listener)
  }

  onDrain(listener: () => void): void {
    this.#onDrain.push(listener)
  }

  /** Begins to connect. */
  start(): void {
    if (this.#isClosed || this.#attempt !== undefined || this.isOpen) return
    this.#attempt = this.#connect()
  }

  /** Sends over the present link; without one the frame is lost. */
  send(kind: number, payload: string | Uint8Array): void {
    this.#link?.send(kind, payload)
  }

  /** Sends what `encodeFrame` made, likewise. */
  sendFrame(frame: Buffer): void {
    this.#link?.sendFrame(frame)
  }

  /** Drops the present link as if it had been lost; a new one follows. */
  reset(reason: string): void {
    this.#link?.destroy(reason)
  }

  /** Sends what waits, closes, and stays closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#attempt
    const link = this.#link
    if (link === undefined) return
    const closed = new Promise<string>((resolve) => {
      link.onClose(resolve)
    })
    link.end('closed by this side')
    await closed
  }

  async #connect(): Promise<void> {
    try {
      const link = await connectLink(this.#options)
      if (this.#isClosed) link.destroy('closed by this side')
      else this.#opened(link)
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#attempt = undefined
    }
  }

  #opened(link: FramedLink): void {
    this.#link = link
    this.#problem = undefined
    this.#openedAtMs = performance.now()
    for (const [kind, handler] of this.#handlers) link.handle(kind, handler)
    link.onDrain(() => this.#onDrain.forEach((listener) => listener()))
    link.onClose((reason) => this.#lost(reason))
    for (const listener of this.#onOpen) listener()
    link.start()
  }

  #lost(reason: string): void {
    this.#link = undefined
    this.#problem = reason
    // A link that is lost as soon as it opens must not be tried again in a tight loop.
    const lastedMs = performance.now() - this.#openedAtMs
    if (lastedMs >= MAX_DELAY_MS) this.#delayMs = MIN_DELAY_MS
    if (!this.#isClosed) this.#options.logger?.warn({ reason }, 'link lost')
    for (const listener of this.#onClose) listener(reason)
    this.#retry()
  }

  /** ENOENT and ECONNREFUSED while the peer restarts; a refusal may end with the peer's next restart. */
  #failed(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem !== this.#problem) {
      const level = error instanceof LinkRefusedError ? 'error' : 'debug'
      this.#options.logger?.[level]({ err: error }, 'link could not be opened')
    }
    this.#problem = problem
    this.#retry()
  }

  #retry(): void {
    if (this.#isClosed) return
    const delayMs = this.#delayMs * (1 - Math.random() / 2)
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS)
    this.#timer = setTimeout(() => {
      this.#attempt = this.#connect()
    }, delayMs)
  }
}
