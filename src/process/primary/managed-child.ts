import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { isAboutItself, isToPrimary } from '../messages.ts'
import type { WorkerInfo } from '../../service/cluster.ts'
import type { ForPrimary, FromPrimary, ToPrimary } from '../messages.ts'
import { ImportWatch } from './import-watch.ts'
import type { ChildRole } from '../roles.ts'

/** Longest that a child may take until it is ready: migrations and WAL recovery need their time. */
const START_TIMEOUT_MS = 60_000

/** How a process ended. */
export interface ChildExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ManagedChildOptions {
  readonly role: ChildRole
  readonly id: string
  /** Which of its role it is, from 0; what takes its place is the same one. */
  readonly slot?: number
  readonly process: ChildProcess
  /** Everything that is not about the child's own life. The socket, where one came along, is the receiver's. */
  readonly onMessage: (child: ManagedChild, message: ForPrimary, socket: Socket | undefined) => void
}

/** A process that the primary started, from its first moment to its last. */
export class ManagedChild {
  readonly role: ChildRole
  readonly id: string
  readonly slot: number
  readonly startedAtMs = performance.now()
  /** Rejects with the reason when the process ends before it was ready. */
  readonly ready: Promise<void>
  readonly exited: Promise<ChildExit>
  #process: ChildProcess
  #options: ManagedChildOptions
  #lastHeardMs = performance.now()
  #readySinceMs: number | undefined
  #connectionCount = 0
  #problems: readonly string[] = []
  #workers: readonly WorkerInfo[] = []
  readonly #imports = new ImportWatch(() => {
    this.kill('stood still')
  })
  #hasExited = false
  #isLeaving = false
  #mayHaveSessions = true
  #failure: string | undefined
  #pongWaiters: (() => void)[] = []

  constructor(options: ManagedChildOptions) {
    this.role = options.role
    this.id = options.id
    this.slot = options.slot ?? 0
    this.#options = options
    this.#process = options.process
    this.exited = new Promise((resolve) => {
      // 'close' and 'disconnect' may never come for a killed process that was owed a socket; 'exit' does.
      this.#process.once('exit', (exitCode, signal) => {
        this.#hasExited = true
        this.#imports.close()
        this.#settlePongs()
        resolve({ exitCode, signal })
      })
    })
    this.ready = this.#watchStart()
    // Whoever waits for `ready` sees the failure; nobody has to.
    this.ready.catch(() => undefined)
    this.#process.on('error', (error) => {
      this.#failure ??= error.message
    })
    this.#process.on('message', (message, handle) => {
      const socket = handle instanceof Socket ? handle : undefined
      if (isToPrimary(message)) this.#receive(message, socket)
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** As of its last answer. */
  get connectionCount(): number {
    return this.#connectionCount
  }

  /** What it said is wrong with it, while it goes on. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** What an agent host has loaded. */
  get workers(): readonly WorkerInfo[] {
    return this.#workers
  }

  /** The module that an agent host is importing, or was when it ended. */
  get importing(): string | undefined {
    return this.#imports.file
  }

  /** It was ended because that import did not come to its end. */
  get wasStuckImporting(): boolean {
    return this.#imports.isStuck
  }

  get isReady(): boolean {
    return this.#readySinceMs !== undefined && !this.#hasExited
  }

  /** True when it serves and goes on serving: nobody has asked it to finish. */
  get isStaying(): boolean {
    return this.isReady && !this.#isLeaving
  }

  /** Somebody has asked it to finish. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  get mayHaveSessions(): boolean {
    return this.#mayHaveSessions
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  get lastHeardMs(): number {
    return this.#lastHeardMs
  }

  /** How long it has been, or was, ready; 0 when it never was. */
  get healthyMs(): number {
    return this.#readySinceMs === undefined ? 0 : performance.now() - this.#readySinceMs
  }

  /**
   * Sends without a promise of arrival: a process that ends takes its messages with it. A socket
   * stays open here too; the sender closes its copy when the receiver has taken it.
   */
  send(message: FromPrimary, socket?: Socket): void {
    this.sendThen(message, () => undefined, socket)
  }

  /** As `send`; `done` is called when the message left or can no longer be sent. */
  sendThen(message: FromPrimary, done: () => void, socket?: Socket): void {
    if (this.#hasExited || !this.#process.connected) {
      done()
      return
    }
    this.#process.send(message, socket, { keepOpen: true }, () => {
      done()
    })
  }

  /** Asks for a sign of life. Resolves with the answer or when the process ends; may never. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasExited) {
        resolve()
        return
      }
      this.#pongWaiters.push(resolve)
      this.send({ parley: 'ping' })
    })
  }

  /** It is about to be told to finish. */
  leave(): void {
    this.#isLeaving = true
  }

  /** Ends the process at once; what it was doing is lost, what it acknowledged is not. */
  kill(reason: string): void {
    this.#failure ??= reason
    this.#process.kill('SIGKILL')
  }

  /** Forgives silence that is the primary's own fault. */
  excuseSilence(): void {
    this.#lastHeardMs = performance.now()
  }

  #receive(message: ToPrimary, socket: Socket | undefined): void {
    this.#lastHeardMs = performance.now()
    if (message.parley === 'ready') this.#readySinceMs = this.#lastHeardMs
    else if (message.parley === 'failed') this.#failure = message.reason
    else if (message.parley === 'problems') this.#problems = message.problems
    else if (message.parley === 'workers') this.#workers = message.workers
    else if (message.parley === 'importing') this.#imports.began(message.file)
    else if (message.parley === 'sessions-closed') this.#mayHaveSessions = false
    else if (message.parley === 'pong') {
      this.#connectionCount = message.connections
      this.#settlePongs()
    }
    if (!isAboutItself(message)) this.#options.onMessage(this, message, socket)
  }

  #settlePongs(): void {
    for (const resolve of this.#pongWaiters.splice(0)) resolve()
  }

  #watchStart(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill(`was not ready after ${START_TIMEOUT_MS} ms`)
      }, START_TIMEOUT_MS)
      this.#process.on('message', (message) => {
        if (!isToPrimary(message) || message.parley !== 'ready') return
        clearTimeout(timer)
        resolve()
      })
      this.#process.once('exit', (code, signal) => {
        clearTimeout(timer)
        reject(
          new Error(this.#failure ?? `ended before it was ready (${signal ?? `code ${code}`})`),
        )
      })
    })
  }
}
