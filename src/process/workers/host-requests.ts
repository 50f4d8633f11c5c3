import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LoadedWorker } from '../../agent/loaded-worker.ts'
import { runFetch } from '../../agent/run-fetch.ts'
import type { WorkUnderWay, Work } from '../../agent/work-under-way.ts'
import type { WorkerScope } from '../../agent/worker-scope.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Refuse } from './refuse.ts'
import { sendResponse } from './send-response.ts'
import { urlOf, webRequestOf } from './web-request.ts'

/** Requests that one worker has under way in one process, so that none takes the place of the others. Past it: 503. */
const MAX_PER_WORKER = 1_000

/** Methods that no standard Request may have. */
const NOT_FOR_WORKERS: ReadonlySet<string | undefined> = new Set(['CONNECT', 'TRACE', 'TRACK'])

const WORKER_PATH = /^\/workers\/([a-z0-9-]+)(?:\/|$)/

export interface HostRequestsOptions {
  readonly workers: ReadonlyMap<string, LoadedWorker>
  readonly underWay: WorkUnderWay
  readonly scope: WorkerScope
  readonly refuse: Refuse
  readonly trustProxy: number
  readonly maxPerWorker?: number
}

/** Answers what gateways pass on: finds the worker, asks it, and sends what it says. */
export class HostRequests {
  readonly #options: Required<HostRequestsOptions>
  readonly #counts = new Map<string, number>()
  #isEnding = false

  constructor(options: HostRequestsOptions) {
    this.#options = { maxPerWorker: MAX_PER_WORKER, ...options }
  }

  /** From now on gateways open no new requests over the connections that they have. */
  end(): void {
    this.#isEnding = true
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { workers, trustProxy } = this.#options
    if (this.#isEnding) response.setHeader('Connection', 'close')
    // A gateway that is gone ends its requests, too; here it only must not throw.
    request.on('error', () => undefined)
    const url = urlOf(request, trustProxy)
    if (url === undefined || NOT_FOR_WORKERS.has(request.method)) {
      this.#refuse(request, response, 'INVALID_PAYLOAD')
      return
    }
    const worker = workers.get(WORKER_PATH.exec(url.pathname)?.[1] ?? '')
    if (worker?.module.fetch === undefined) this.#refuse(request, response, 'WORKER_NOT_FOUND')
    else this.#begin(worker, { request, response, url })
  }

  #refuse(request: IncomingMessage, response: ServerResponse, code: ErrorCode): void {
    this.#options.refuse(request, response, new ChannelError(code))
  }

  #begin(worker: LoadedWorker, call: Call): void {
    const { request, response } = call
    const { underWay, maxPerWorker, scope } = this.#options
    const count = this.#counts.get(worker.name) ?? 0
    if (count >= maxPerWorker) {
      this.#refuse(request, response, 'OVERLOADED')
      return
    }
    this.#counts.set(worker.name, count + 1)
    const work = underWay.begin()
    response.once('close', () => {
      this.#counts.set(worker.name, (this.#counts.get(worker.name) ?? 1) - 1)
      if (!response.writableFinished) work.abort('the client is gone, or has waited long enough')
      work.end()
    })
    void scope.run(worker.logger, () => this.#answer(worker, call, work))
  }

  async #answer(worker: LoadedWorker, call: Call, work: Work): Promise<void> {
    const { request, response, url } = call
    const { underWay } = this.#options
    try {
      const { signal } = work
      const asked = webRequestOf(request, url, signal)
      const answer = await runFetch(worker, asked, { signal, underWay })
      if (response.destroyed) await answer?.body?.cancel()
      else if (answer === undefined) this.#refuse(request, response, 'WORKER_FAILED')
      else await sendResponse(answer, response, request.method === 'HEAD')
    } catch (error) {
      // Of an answer that nobody waits for any more.
      if (response.destroyed) return
      worker.logger.error({ err: error }, "worker's answer could not be sent")
      if (response.headersSent) response.destroy()
      else this.#refuse(request, response, 'WORKER_FAILED')
    }
  }
}

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
}
