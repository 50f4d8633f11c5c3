import { inspect } from 'node:util'
import { createContext } from './loaded-worker.ts'
import type { LoadedWorker } from './loaded-worker.ts'
import type { WorkUnderWay } from './work-under-way.ts'

/** What is wrong with an answer; undefined when it can be sent. */
function nonsense(answer: unknown): string | undefined {
  if (!(answer instanceof Response))
    return `fetch returned ${inspect(answer, { depth: 0 })} instead of a Response`
  if (answer.status < 200 || answer.status > 599)
    return `fetch returned a Response with status ${answer.status}`
  if (answer.bodyUsed || answer.body?.locked === true)
    return 'fetch returned a Response whose body was read already'
  return undefined
}

/**
 * Calls a worker's `fetch`. Resolves with a Response that can be sent; with undefined when the handler threw
 * or returned something else, which only the log hears of.
 */
export async function runFetch(
  worker: LoadedWorker,
  request: Request,
  { signal, underWay }: { readonly signal: AbortSignal; readonly underWay: WorkUnderWay },
): Promise<Response | undefined> {
  const { module, env, logger } = worker
  try {
    const answer = await module.fetch?.(request, env, createContext(worker, signal, underWay))
    const problem = nonsense(answer)
    if (problem === undefined) return answer
    logger.error({ problem }, 'worker answered nonsense')
  } catch (error) {
    // Whoever was told to stop may stop by throwing what it was told.
    if (signal.aborted) logger.debug({ err: error }, 'worker stopped')
    else logger.error({ err: error }, 'worker failed')
  }
  return undefined
}
