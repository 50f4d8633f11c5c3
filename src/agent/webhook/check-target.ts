import { isIP } from 'node:net'
import type { HostList } from '../../util/addresses.ts'
import { isPublicAddress } from '../../util/addresses.ts'
import type { HostAddress, Resolve } from './lookups.ts'
import { WebhookError } from './webhook-error.ts'

export interface TargetRules {
  /** Where agents may be called although it is not public, and without TLS. */
  readonly allow: HostList
  readonly resolve: Resolve
}

async function addressesOf(host: string, resolve: Resolve): Promise<readonly HostAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  try {
    return await resolve(host)
  } catch (error) {
    throw new WebhookError(`the name ${host} could not be looked up`, { cause: error })
  }
}

/**
 * Looks up where a URL leads, and answers the addresses to connect to: only these, whatever the name's are a moment
 * later. One that is not allowed among them is enough to refuse all: such a name is misconfigured, or somebody's try.
 *
 * @throws WebhookError.
 */
export async function checkTarget(
  { protocol, hostname }: URL,
  { allow, resolve }: TargetRules,
): Promise<readonly HostAddress[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = await addressesOf(host, resolve)
  if (addresses.length === 0) throw new WebhookError(`the name ${host} has no address`)
  const isListed = (address: string): boolean => allow.hasName(host) || allow.hasAddress(address)
  for (const { address } of addresses) {
    if (isListed(address)) continue
    if (!isPublicAddress(address)) {
      throw new WebhookError(
        `${host} is at ${address}, which is not public; PARLEY_WEBHOOK_ALLOW may allow it`,
      )
    }
    if (protocol !== 'https:') {
      throw new WebhookError(`${host} is not called without TLS: PARLEY_WEBHOOK_ALLOW lacks it`)
    }
  }
  return addresses
}
