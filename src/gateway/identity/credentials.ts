import type { HeaderRecord } from '../auth.ts'

/** What somebody shows to be let in; nothing about it is verified. */
export interface Presented {
  /** Meant as the API key. */
  readonly keys: readonly string[]
  /** Meant as a token, or as the key: `Authorization: Bearer` may carry either. */
  readonly bearers: readonly string[]
}

const BEARER = /^Bearer +(\S+)$/i

/** What is there; empty counts as absent, since clients send what they have not got so. */
function texts(...candidates: readonly unknown[]): string[] {
  return candidates.filter(
    (candidate): candidate is string => typeof candidate === 'string' && candidate !== '',
  )
}

function bearerOf({ authorization }: HeaderRecord): string | undefined {
  return typeof authorization === 'string' ? BEARER.exec(authorization)?.[1] : undefined
}

/** What a request shows: `X-API-KEY` and `Authorization: Bearer`. Never its URL, which ends in logs. */
export function presentedBy(headers: HeaderRecord): Presented {
  return { keys: texts(headers['x-api-key']), bearers: texts(bearerOf(headers)) }
}

/** What a handshake shows: `auth.apiKey`, `auth.token`, and its first request's headers. */
export function presentedIn(
  auth: Readonly<Record<string, unknown>>,
  headers: HeaderRecord,
): Presented {
  return {
    keys: texts(auth['apiKey'], headers['x-api-key']),
    bearers: texts(auth['token'], bearerOf(headers)),
  }
}
