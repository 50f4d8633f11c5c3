import type { Settings } from '../../config/settings.ts'
import type { ClientAddresses } from '../../gateway/client-address.ts'
import type { Identity } from '../../gateway/identity/identity.ts'
import type { Limits } from '../../gateway/limits/limits.ts'
import type { PrimaryLink } from '../child/primary-link.ts'
import { AgentHosts } from './agent-hosts.ts'
import { createRefuse } from './refuse.ts'
import { WorkerGate } from './worker-gate.ts'

export interface WorkerGateParts {
  readonly identity: Identity
  readonly limits: Limits
  readonly addresses: ClientAddresses
  readonly settings: Settings
}

/** The gate of one gateway: what asks a worker is held to the bounds of a REST request that nobody was asked for. */
export function openWorkerGate(
  link: PrimaryLink,
  { identity, limits, addresses, settings }: WorkerGateParts,
): WorkerGate {
  const hosts = new AgentHosts()
  link.watchAgentHosts((table) => {
    hosts.set(table)
  })
  return new WorkerGate({
    hosts,
    admit: (request) => {
      identity.checkOrigin(request.headers)
      limits.takeRequest(request, undefined)
    },
    refuse: createRefuse(settings.corsOrigin),
    addressOf: (request) => addresses.keyOf(request),
    trustProxy: settings.trustProxy,
  })
}
