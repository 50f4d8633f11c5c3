import type { IncomingMessage } from 'node:http'
import type { Peer } from '../messages.ts'
import { hasBody } from './body-framing.ts'
import type { Neighbours } from './neighbours.ts'
import { REFUSALS } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { asksForScript, gatewayOf, isEnginePath, sessionIdOf } from './session-id.ts'

/** `own`: served by this process. A peer: by that one. A refusal: by nobody. */
export type Destination = 'own' | Peer | Refusal

interface Surroundings {
  readonly gatewayId: string
  readonly neighbours: Neighbours
  /** Whether a request may speak to this server at all. */
  readonly isAllowed: (request: IncomingMessage) => boolean
}

/** Engine.IO's own, and the browser's question before them. */
const SESSION_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'POST', 'OPTIONS'])

/**
 * True for what no client sends that speaks Engine.IO 4 today: a body with any method but POST, which is the
 * next request to a receiver that does not expect it; a method that Engine.IO answers with 500; and a
 * poll by script tag, which says no origin.
 */
function isNoClients(request: IncomingMessage, session: string): boolean {
  const { url = '/', method } = request
  if (session !== '' && !SESSION_METHODS.has(method)) return true
  return (method !== 'POST' && hasBody(request)) || asksForScript(url)
}

/**
 * Who serves a request that a client sent here.
 *
 * What may not speak to this server is refused here, since Engine.IO looks only at the request that opens
 * a session.
 */
export function destinationOf(request: IncomingMessage, around: Surroundings): Destination {
  const { url = '/' } = request
  if (!isEnginePath(url)) return 'own'
  const session = sessionIdOf(url) ?? ''
  if (isNoClients(request, session)) return REFUSALS.badRequest
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
