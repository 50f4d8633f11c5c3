import { SETTINGS } from '../../config/settings.ts'
import type { Settings } from '../../config/settings.ts'
import type { ChildRole } from '../roles.ts'

/**
 * The settings that a process is started with: one that runs workers gets no secrets, for which it has no use, but
 * for those of the agents that it calls.
 */
export function settingsFor(role: ChildRole, settings: Settings): Settings {
  if (role !== 'agent-host') return settings
  const secrets = Object.entries(SETTINGS).filter(
    ([name, one]) => 'isSecret' in one && name !== 'agents',
  )
  return { ...settings, ...Object.fromEntries(secrets.map(([name]) => [name, undefined])) }
}
