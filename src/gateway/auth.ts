import { ChannelError } from '../protocol/errors.ts'
import { Secret } from '../util/secret.ts'

/** Header names in lower case, as Node hands them out for requests and Socket.IO for handshakes. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

export interface AccessSettings {
  /** Undefined or empty: open mode. */
  readonly apiKey?: string | undefined
  /** Lifts the checks of open mode. */
  readonly isInsecure: boolean
}

const LOOPBACK_HOST =
  /^(?:(?:[a-z0-9-]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
const ORIGIN = /^https?:\/\/(.+)$/i

/** True for a `Host` header that names this machine and nothing else. */
export function isLoopbackAuthority(host: string): boolean {
  return LOOPBACK_HOST.test(host)
}

/** True for a browser origin on this machine; `null` (sandboxed pages, files) is not one. */
export function isLoopbackOrigin(origin: string): boolean {
  const host = ORIGIN.exec(origin)?.[1]
  return host !== undefined && isLoopbackAuthority(host)
}

/** True for a header, in lower case, that a proxy adds. */
export function isForwardingHeader(name: string): boolean {
  return name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-')
}

/**
 * Why a request did not come from this machine itself, or undefined when nothing says so.
 *
 * A server without a key trusts whoever can reach loopback. A proxy in front, a page of another
 * site in the local browser, and a name that was rebound to 127.0.0.1 all can, and show here.
 */
export function foreignReason(headers: HeaderRecord): string | undefined {
  for (const name in headers) {
    if (isForwardingHeader(name)) return 'it was forwarded by a proxy'
  }
  const { host, origin } = headers
  // HTTP/1.0 has none: what does not say whom it asks could be meant for anyone.
  if (typeof host !== 'string' || !isLoopbackAuthority(host)) {
    return 'its Host is not this machine'
  }
  if (origin !== undefined && !(typeof origin === 'string' && isLoopbackOrigin(origin))) {
    return 'it comes from a page of another site'
  }
  return undefined
}

const BEARER = /^Bearer +(\S+)$/i

/** The key that a request presents: `X-API-KEY`, else `Authorization: Bearer`. */
export function presentedKey(headers: HeaderRecord): string | undefined {
  const key = headers['x-api-key']
  if (typeof key === 'string') return key
  const { authorization } = headers
  return typeof authorization === 'string' ? BEARER.exec(authorization)?.[1] : undefined
}

/** Who may come in, for both edges. */
export interface Access {
  /** No key is set: whoever is on this machine may do everything except stop the server. */
  readonly isOpen: boolean
  /** @throws ORIGIN_FORBIDDEN in open mode, unless insecure, for what did not come from this machine. */
  checkOrigin(headers: HeaderRecord): void
  /** True in open mode; else whether the candidate is the key, compared in constant time. */
  isKey(candidate: unknown): boolean
}

export function createAccess(settings: AccessSettings): Access {
  const { apiKey, isInsecure } = settings
  const secret = apiKey === undefined || apiKey === '' ? undefined : new Secret(apiKey)
  return {
    isOpen: secret === undefined,
    checkOrigin(headers) {
      if (secret !== undefined || isInsecure) return
      const reason = foreignReason(headers)
      if (reason === undefined) return
      throw new ChannelError(
        'ORIGIN_FORBIDDEN',
        `This server has no API key and serves this machine only; the request was refused because ${reason}. Set PARLEY_API_KEY, or PARLEY_INSECURE=1 to lift this check.`,
      )
    },
    isKey: (candidate) =>
      secret === undefined || (typeof candidate === 'string' && secret.equals(candidate)),
  }
}
