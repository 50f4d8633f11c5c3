import { randomBytes } from 'node:crypto'

const GATEWAY_ID_BYTES = 6
/** 160 bits: a session id is a bearer secret. */
const SESSION_BYTES = 20
const SESSION_ID = /^([\w-]{8})\.[\w-]+$/

/** Eight URL-safe characters; the primary makes one for every process it starts. */
export function newProcessId(): string {
  return randomBytes(GATEWAY_ID_BYTES).toString('base64url')
}

/** An Engine.IO session id that says which gateway it lives on. */
export function newSessionId(gatewayId: string): string {
  return `${gatewayId}.${randomBytes(SESSION_BYTES).toString('base64url')}`
}

/** The gateway that a session id names, known or not; undefined when it is not one of ours. */
export function gatewayOf(sessionId: string): string | undefined {
  return SESSION_ID.exec(sessionId)?.[1]
}

const ENGINE_PATH = '/socket.io/'

/** True for requests that Engine.IO answers; the comparison is its own. */
export function isEnginePath(url: string): boolean {
  return url.startsWith(ENGINE_PATH)
}

/** The session that an Engine.IO request names. Of several `sid` the last counts, as in Engine.IO itself. */
export function sessionIdOf(url: string): string | undefined {
  return new URL(url, 'http://engine').searchParams.getAll('sid').at(-1)
}

/** True for a request whose answer is to be a script (JSONP), which pages of all sites can run and so read. */
export function asksForScript(url: string): boolean {
  return new URL(url, 'http://engine').searchParams.has('j')
}
