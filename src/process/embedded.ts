import type { WorkerInfo } from '../service/cluster.ts'
import type { ChildStart } from './messages.ts'

/**
 * What is said between a server and the process that started it to run agents of its own beside it: elizaOS's
 * runtimes live in the user's process, which so is one more agent host.
 */

/** The word behind the executable's name that makes it say it. */
export const EMBEDDED = 'embedded'

/** What the other process needs to run agents; no secrets but those of the agents that are called over HTTP. */
export interface EmbeddedStart extends Pick<
  ChildStart,
  'settings' | 'id' | 'dataDir' | 'writerSocketPath' | 'port'
> {
  readonly url: string
  /** The agents of the workers folder. */
  readonly agentIds: readonly string[]
}

/** From the server. */
export type FromEmbedded =
  /** It serves. */
  | { readonly parley: 'serving'; readonly start: EmbeddedStart }
  /** Why it cannot start, for people. */
  | { readonly parley: 'failed'; readonly reason: string }

/** To the server. */
export type ToEmbedded =
  /** The agents of the other process; replaces what it said before. */
  | { readonly parley: 'workers'; readonly workers: readonly WorkerInfo[] }
  | { readonly parley: 'log-lines'; readonly lines: readonly string[] }

const isOurs = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'parley' in message

/** Only these two processes can write to the channel, so the key is enough. */
export function isFromEmbedded(message: unknown): message is FromEmbedded {
  return isOurs(message)
}

export function isToEmbedded(message: unknown): message is ToEmbedded {
  return isOurs(message)
}
