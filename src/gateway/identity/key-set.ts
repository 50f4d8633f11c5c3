import { createRemoteJWKSet, customFetch, errors } from 'jose'
import type { FetchImplementation, JWTVerifyGetKey } from 'jose'
import { ChannelError } from '../../protocol/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** Milliseconds that the keys' server gets for its whole answer. */
const FETCH_TIMEOUT_MS = 5_000
/** Milliseconds after a failed fetch in which none is tried: a server that is down is not stormed. */
const FAILURE_COOLDOWN_MS = 1_000
/** Milliseconds after a fetch in which a token with an unknown key does not cause another. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000
/** Milliseconds after which keys are fetched anew, so that one that was withdrawn is not trusted for ever. */
const KEYS_MAX_AGE_MS = 600_000
/** Bytes of a key set. Past it the answer counts as none. */
const MAX_KEY_SET_BYTES = 262_144

/** What is the token's fault; all else that keeps a key from being found is the key set's. */
const TOKENS_FAULTS = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
]

async function readBounded({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_KEY_SET_BYTES) throw new Error('the key set is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

async function fetchText(...[url, options]: Parameters<FetchImplementation>): Promise<string> {
  const response = await fetch(url, options)
  if (response.status === 200) return readBounded(response)
  await response.body?.cancel()
  throw new Error(`the key set's server answered ${response.status}`)
}

/** What is known of why a fetch failed; `fetch` itself says little and has the reason as its cause. */
function reasonFor(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

function createPacedFetch(logger: Logger): FetchImplementation {
  let failure: { readonly error: unknown; readonly atMs: number } | undefined
  return async (url, options) => {
    const sinceMs = performance.now() - (failure?.atMs ?? Number.NEGATIVE_INFINITY)
    if (failure !== undefined && sinceMs < FAILURE_COOLDOWN_MS) throw failure.error
    try {
      const text = await fetchText(url, options)
      failure = undefined
      return new Response(text)
    } catch (error) {
      failure = { error, atMs: performance.now() }
      logger.warn({ reason: reasonFor(error) }, 'keys of tokens not fetched')
      throw error
    }
  }
}

/**
 * The public keys at an address, fetched when first needed and then every ten minutes.
 *
 * Keys that cannot be had let nobody in: without a key set, and once the last one is too old, every token
 * is refused as AUTH_UNAVAILABLE until there is one again. A token that names no key is taken where
 * exactly one key fits it.
 *
 * @throws AUTH_UNAVAILABLE; a `JOSEError` where the token asks for a key that the set does not have.
 */
export function createKeySet(url: URL, logger: Logger): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: UNKNOWN_KEY_COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    [customFetch]: createPacedFetch(logger),
  })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (TOKENS_FAULTS.some((fault) => error instanceof fault)) throw error
      throw new ChannelError('AUTH_UNAVAILABLE', undefined, { cause: error })
    }
  }
}
