const CHILD_ROLES = ['writer', 'gateway', 'agent-host'] as const

/** What a process that the primary starts is for. */
export type ChildRole = (typeof CHILD_ROLES)[number]

export function isChildRole(word: string | undefined): word is ChildRole {
  return CHILD_ROLES.some((role) => role === word)
}
