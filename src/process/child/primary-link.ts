import { Socket } from 'node:net'
import { ChannelError } from '../../protocol/errors.ts'
import { isFromPrimary } from '../messages.ts'
import type {
  AgentHost,
  Answers,
  ChildStart,
  FromPrimary,
  Peer,
  Question,
  ToPrimary,
} from '../messages.ts'

/** Questions that may wait for the primary; past it they fail with `OVERLOADED`. */
const MAX_QUESTIONS = 1_000
/** Longest that a question waits; then it fails with `OVERLOADED`. */
const QUESTION_TIMEOUT_MS = 5_000

/** Between two looks whether the primary is still there. */
const LOOK_EVERY_MS = 1_000

type Handler = (message: FromPrimary, socket: Socket | undefined) => void

interface Waiting {
  readonly resolve: (answer: string) => void
  readonly reject: (error: ChannelError) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Resolves when the channel is closed, or whoever started this process is not its parent any more: Node says nothing
 * of a channel that closes while a socket is on its way through it.
 */
function primaryGone(): Promise<void> {
  const primaryPid = process.ppid
  return new Promise((resolve) => {
    process.once('disconnect', resolve)
    const timer = setInterval(() => {
      if (process.ppid === primaryPid) return
      clearInterval(timer)
      resolve()
    }, LOOK_EVERY_MS)
    timer.unref()
  })
}

/** A child's end of the channel to the primary. */
export class PrimaryLink {
  /** Resolves when the primary is gone; then this process has no reason to live. */
  readonly closed: Promise<void>
  readonly #handlers: Handler[] = []
  readonly #questions = new Map<number, Waiting>()
  #lastQuestionId = 0
  #peers: readonly Peer[] = []
  #onPeers: (peers: readonly Peer[]) => void = () => undefined
  #agentHosts: readonly AgentHost[] = []
  #onAgentHosts: (hosts: readonly AgentHost[]) => void = () => undefined

  constructor() {
    this.closed = primaryGone()
    process.on('message', (message, handle) => {
      if (!isFromPrimary(message)) return
      if (message.parley === 'answer') this.#settle(message.id, message.answer)
      if (message.parley === 'peers') {
        this.#peers = message.peers
        this.#onPeers(message.peers)
      }
      if (message.parley === 'agent-hosts') {
        this.#agentHosts = message.hosts
        this.#onAgentHosts(message.hosts)
      }
      const socket = handle instanceof Socket ? handle : undefined
      for (const handler of this.#handlers) handler(message, socket)
    })
  }

  onMessage(handler: Handler): void {
    this.#handlers.push(handler)
  }

  /** Calls with the table of gateways as it is, which may have come long ago, and whenever it changes. */
  watchPeers(listener: (peers: readonly Peer[]) => void): void {
    this.#onPeers = listener
    listener(this.#peers)
  }

  /** Calls with the table of agent hosts, likewise. */
  watchAgentHosts(listener: (hosts: readonly AgentHost[]) => void): void {
    this.#onAgentHosts = listener
    listener(this.#agentHosts)
  }

  /** Reports to the primary and resolves with what it says to begin with. */
  hello(): Promise<ChildStart> {
    return new Promise((resolve) => {
      this.onMessage((message) => {
        if (message.parley === 'start') resolve(message.start)
      })
      void this.send({ parley: 'hello' })
    })
  }

  /** Sends; a socket is the primary's from then on. Resolves when it left or can no longer be sent. */
  send(message: ToPrimary, socket?: Socket): Promise<void> {
    return new Promise((resolve) => {
      if (process.send === undefined || !process.connected) resolve()
      // An error means that the primary is gone, which `closed` tells.
      else process.send(message, socket, {}, () => resolve())
    })
  }

  /** @throws OVERLOADED when too many questions wait or no answer came in time. */
  async ask<Asked extends Question>(question: Asked): Promise<Answers[Asked]> {
    const answer: Answers[Asked] = JSON.parse(await this.#ask(question))
    return answer
  }

  #ask(question: Question): Promise<string> {
    if (this.#questions.size >= MAX_QUESTIONS) return Promise.reject(new ChannelError('OVERLOADED'))
    const id = ++this.#lastQuestionId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#questions.delete(id)
        reject(new ChannelError('OVERLOADED'))
      }, QUESTION_TIMEOUT_MS)
      this.#questions.set(id, { resolve, reject, timer })
      void this.send({ parley: 'question', id, question })
    })
  }

  #settle(id: number, answer: string): void {
    const waiting = this.#questions.get(id)
    this.#questions.delete(id)
    clearTimeout(waiting?.timer)
    waiting?.resolve(answer)
  }
}
