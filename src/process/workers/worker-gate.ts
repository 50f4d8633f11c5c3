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
/** Until a response begins; how long it then lasts is the worker's own. Past it: 504 `WORKER_TIMEOUT`. */
const ANSWER_TIMEOUT_MS = 30_000
/** Idle connections kept to each agent host; more that are in use are opened as needed. */
const MAX_IDLE_SOCKETS = 64

export interface WorkerGateOptions {
  readonly hosts: AgentHosts
  /** Whether a request may come in at all: origin and rate. @throws ChannelError. */
  readonly admit: (request: IncomingMessage) => void
  readonly refuse: Refuse
  /** How many proxies stand in front, whose word about the client is believed. */
  readonly trustProxy: number
  readonly maxUnderWay?: number
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
  #underWay = 0

  constructor(options: WorkerGateOptions) {
    this.#options = { maxUnderWay: MAX_UNDER_WAY, answerTimeoutMs: ANSWER_TIMEOUT_MS, ...options }
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { refuse, hosts, trustProxy, answerTimeoutMs } = this.#options
    try {
      this.#admit(request)
    } catch (error) {
      refuse(request, response, toChannelError(error))
      return
    }
    this.#underWay += 1
    response.once('close', () => {
      this.#underWay -= 1
    })
    const agent = this.#agent
    passOn(request, response, { hosts, refuse, agent, trustProxy, answerTimeoutMs })
  }

  #admit(request: IncomingMessage): void {
    const { admit, maxUnderWay } = this.#options
    admit(request)
    if (this.#underWay >= maxUnderWay) throw new ChannelError('OVERLOADED')
    if (Number(request.headers['content-length'] ?? 0) > LIMITS.maxBodyBytes) {
      throw new BodyTooLarge()
    }
  }
}
