import type { IncomingMessage } from 'node:http'
import { addressKey } from './address-key.ts'

/**
 * The header in which one gateway tells another whom a request came from. Set by the gateway that
 * forwards, over whatever a client sent; believed on the private socket alone.
 */
export const CLIENT_ADDRESS_HEADER = 'x-parley-client-address'

/** What all clients share whose proxy says of them something that is no address. */
const NO_ADDRESS = 'no address'

/**
 * The `place`th entry from the right: those to the left of it were written by whoever asked. With fewer
 * entries the leftmost: each proxy adds one, so all of them are the proxies' own.
 */
function entryFromRight(list: string, place: number): string {
  let end = list.length
  for (let passed = 1; passed < place; passed += 1) {
    const comma = list.lastIndexOf(',', end - 1)
    if (comma < 0) break
    end = comma
  }
  return list.slice(list.lastIndexOf(',', end - 1) + 1, end).trim()
}

/**
 * Under which key the sender of a request is counted; undefined for this machine itself and where no
 * address is known, who are never limited by address.
 *
 * The address is the connection's; behind `trustedProxies` of them, what the outermost wrote into
 * `X-Forwarded-For`. Where that is absent, it is the connection's after all; where it is no address, all such
 * clients are counted as one. With no proxy declared the header is not looked at.
 */
export class ClientAddresses {
  readonly #trustedProxies: number
  /** Of requests whose connection may be gone when they are asked for, or is not the client's. */
  readonly #known = new WeakMap<IncomingMessage, { readonly key: string | undefined }>()

  constructor(trustedProxies: number) {
    this.#trustedProxies = trustedProxies
  }

  keyOf(request: IncomingMessage): string | undefined {
    const known = this.#known.get(request)
    return known === undefined ? this.#read(request) : known.key
  }

  /** Remembers the address of a request that is asked about again, as Socket.IO's handshakes are. */
  remember(request: IncomingMessage): void {
    if (!this.#known.has(request)) this.#known.set(request, { key: this.#read(request) })
  }

  /** Takes another gateway's word for a request that came over the private socket. */
  takeForwarded(request: IncomingMessage): void {
    const key = request.headers[CLIENT_ADDRESS_HEADER]
    this.#known.set(request, { key: typeof key === 'string' ? key : undefined })
  }

  #read({ socket, headers }: IncomingMessage): string | undefined {
    const ofConnection = socket.remoteAddress
    const list = this.#trustedProxies === 0 ? undefined : headers['x-forwarded-for']
    // Node joins several headers of this name with commas; a list is only the type's.
    if (typeof list === 'string') {
      const key = addressKey(entryFromRight(list, this.#trustedProxies)) ?? NO_ADDRESS
      return key === 'loopback' ? undefined : key
    }
    const key = ofConnection === undefined ? undefined : addressKey(ofConnection)
    return key === 'loopback' ? undefined : key
  }
}
