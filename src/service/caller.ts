/** What a token may allow in a channel. `admin` includes the others. */
export const CAPABILITIES = ['join', 'read', 'send', 'admin'] as const
export type Capability = (typeof CAPABILITIES)[number]

/** What a token allows in the channels that a pattern names. */
export interface ChannelGrant {
  /** A channel id, in which `*` stands for any characters. */
  readonly pattern: string
  readonly allow: readonly Capability[]
}

/**
 * - `anyone`: nobody has to say who they are (open mode).
 * - `service`: holds the API key: services, and people who administer the server.
 * - `admin`, `agent`, `user`: what a token says.
 */
export type Role = 'anyone' | 'service' | 'admin' | 'agent' | 'user'

/** Who asks for something, as far as it was proved. */
export interface Caller {
  readonly role: Role
  /** A token's subject: proved. Otherwise whom the handshake claims to be, or undefined. */
  readonly entityId: string | undefined
  /** Undefined: the token does not narrow what its holder may do. */
  readonly grants: readonly ChannelGrant[] | undefined
  /** Epoch ms at which the token ends. */
  readonly expiresAtMs: number | undefined
}

/** Open mode's caller: whoever is on this machine. */
export function anyone(entityId?: string): Caller {
  return { role: 'anyone', entityId, grants: undefined, expiresAtMs: undefined }
}

/** The holder of the API key, speaking for whom it likes. */
export function service(entityId?: string): Caller {
  return { role: 'service', entityId, grants: undefined, expiresAtMs: undefined }
}

/** Whether what this caller says as `authorId` is an agent's: one that speaks for others bridges what people say. */
export function speaksAsAgent({ role, entityId }: Caller, authorId: string): boolean {
  return role === 'agent' && entityId === authorId
}
