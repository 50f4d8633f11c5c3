import { Agent } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyTooLarge } from '../../gateway/http/errors.ts'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { AgentHosts } from './agent-hosts.ts'
import { passOn } from './pass-on.ts'
import type { Refuse } from './refuse.ts'

const PATH = '/workers/'

/** Requests to workers that one gateway has under way, streams that last included. Past it: 503 `OVERLOADED`. */
const MAX_UNDER_WAY = 5_000
/**
 * Those of one client address, unanswered or not read yet. Past it: 429 `RATE_LIMITED`. More: fewer clients, who
 * need not say who they are, take all that a worker has; less: fewer people behind one address have streams.
 */
const MAX_PER_ADDRESS = 100
/** Until a response begins; how long it then lasts is the worker's own. Past it: 504 `WORKER_TIMEOUT`. */
const ANSWER_TIMEOUT_MS = 30_000
/** Idle connections kept to each agent host; more that are in use are opened as needed. */
const MAX_IDLE_SOCKETS = 64

export interface WorkerGateOptions {
  readonly hosts: AgentHosts
  /** Whether a request may come in at all: origin and rate. @throws ChannelError. */
  readonly admit: (request: IncomingMessage) => void
  readonly refuse: Refuse
  /** Under which key the sender is counted; undefined where nobody counts it. */
  readonly addressOf: (request: IncomingMessage) => string | undefined
  /** How many proxies stand in front, whose word about the client is believed. */
  readonly trustProxy: number
  readonly maxUnderWay?: number
  readonly maxPerAddress?: number
  readonly answerTimeoutMs?: number
}

/** True for what a worker answers; everything else is the server's own. */
export function isForWorkers(request: IncomingMessage): boolean {
  return request.url?.startsWith(PATH) === true
}

/**
 * A gateway's way to the workers: it holds requests to their bounds and passes them on to an agent host.
 *
 * Who calls is for the worker to ask: no key and no token is looked at, since webhooks have neither. A
 * body is bounded as over REST, though nothing is gathered here: the worker would gather it.
 */
export class WorkerGate {
  readonly #options: Required<WorkerGateOptions>
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS })
  /** How many each address has; those of whom nobody counts are not in it. */
  readonly #ofAddresses = new Map<string, number>()
  #underWay = 0

  constructor(options: WorkerGateOptions) {
    this.#options = {
      maxUnderWay: MAX_UNDER_WAY,
      maxPerAddress: MAX_PER_ADDRESS,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      ...options,
    }
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { refuse, hosts, trustProxy, answerTimeoutMs, addressOf } = this.#options
    const address = addressOf(request)
    try {
      this.#admit(request, address)
    } catch (error) {
      refuse(request, response, toChannelError(error))
      return
    }
    this.#count(address, 1)
    response.once('close', () => {
      this.#count(address, -1)
    })
    const agent = this.#agent
    passOn(request, response, { hosts, refuse, agent, trustProxy, answerTimeoutMs })
  }

  #count(address: string | undefined, change: 1 | -1): void {
    this.#underWay += change
    if (address === undefined) return
    const count = (this.#ofAddresses.get(address) ?? 0) + change
    if (count === 0) this.#ofAddresses.delete(address)
    else this.#ofAddresses.set(address, count)
  }

  #admit(request: IncomingMessage, address: string | undefined): void {
    const { admit, maxUnderWay, maxPerAddress } = this.#options
    admit(request)
    if (this.#underWay >= maxUnderWay) throw new ChannelError('OVERLOADED')
    if ((this.#ofAddresses.get(address ?? '') ?? 0) >= maxPerAddress) {
      const text = `More than ${maxPerAddress} requests of one address wait for workers.`
      throw new ChannelError('RATE_LIMITED', text)
    }
    if (Number(request.headers['content-length'] ?? 0) > LIMITS.maxBodyBytes) {
      throw new BodyTooLarge()
    }
  }
}
