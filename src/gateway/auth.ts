import { ChannelError } from '../protocol/errors.ts'

/** Header names in lower case, as Node hands them out for requests and Socket.IO for handshakes. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

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
  return isFromAnotherSite(headers) ? 'it comes from a page of another site' : undefined
}

/**
 * True for what a page of another site loads without naming itself, such as an image (Fetch Metadata
 * Request Headers, W3C). A link that somebody follows is no such thing: it shows its answer to the person.
 */
function isFromAnotherSite(headers: HeaderRecord): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate'
}

const FORBIDDEN =
  'This server has no API key and serves this machine only; the request was refused because'
const HOW_TO_LIFT = 'Set PARLEY_API_KEY, or PARLEY_INSECURE=1 to lift this check.'

/** The check of open mode. @throws ORIGIN_FORBIDDEN for what did not come from this machine. */
export function checkLocal(headers: HeaderRecord): void {
  const reason = foreignReason(headers)
  if (reason === undefined) return
  throw new ChannelError('ORIGIN_FORBIDDEN', `${FORBIDDEN} ${reason}. ${HOW_TO_LIFT}`)
}
