import type { IncomingMessage } from 'node:http'
import type { Peer } from '../messages.ts'
import { hasBody } from './body-framing.ts'
import type { Neighbours } from './neighbours.ts'
import { REFUSALS } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { gatewayOf, isEnginePath, sessionIdOf } from './session-id.ts'

/** `own`: served by this process. A peer: by that one. A refusal: by nobody. */
export type Destination = 'own' | Peer | Refusal

interface Surroundings {
  readonly gatewayId: string
  readonly neighbours: Neighbours
  /** Whether a request may speak to this server at all. */
  readonly isAllowed: (request: IncomingMessage) => boolean
}

/**
 * Who serves a request that a client sent here.
 *
 * A body with any method but POST is refused: no Engine.IO client sends one, and to a receiver that
 * does not expect it, it is the next request. What may not speak to this server is refused here,
 * since Engine.IO looks only at the request that opens a session.
 */
export function destinationOf(request: IncomingMessage, around: Surroundings): Destination {
  const { url = '/', method } = request
  if (!isEnginePath(url)) return 'own'
  if (method !== 'POST' && hasBody(request)) return REFUSALS.badRequest
  const session = sessionIdOf(url) ?? ''
  if (session === '' && !around.neighbours.isLeaving) return 'own'
  if (!around.isAllowed(request)) return REFUSALS.forbidden
  return session === ''
    ? (around.neighbours.successor() ?? REFUSALS.draining)
    : ownerOf(session, around)
}

function ownerOf(session: string, { gatewayId, neighbours }: Surroundings): Destination {
  const gateway = gatewayOf(session)
  if (gateway === undefined || gateway === gatewayId) return 'own'
  return neighbours.find(gateway) ?? REFUSALS.unknownSession
}

export function isRefusal(destination: Peer | Refusal): destination is Refusal {
  return 'status' in destination
}
