import { ChannelError } from '../protocol/errors.ts'
import type { ErrorCode } from '../protocol/errors.ts'

/** The same promise; a refusal with this code gets the words that fit the caller's question. */
export async function saying<T>(code: ErrorCode, message: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ChannelError && error.code === code) {
      throw new ChannelError(code, message, { cause: error })
    }
    throw error
  }
}

/** @throws SERVER_NOT_FOUND in elizaOS's words. */
export function sayingWhichServer<T>(serverId: string, work: Promise<T>): Promise<T> {
  return saying('SERVER_NOT_FOUND', `Server ${serverId} does not exist`, work)
}

/** What an outcome must carry; its absence is a fault of the log, not of the caller. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The log's answer lacks the ${what}`)
  return value
}
