import { ChannelError } from '../../protocol/errors.ts'
import { compact } from '../../util/compact.ts'
import type { Command } from '../log.ts'
import { quiet } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import { ENGINE_LIMITS } from './limits.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>

/** @throws TOO_MANY_AGENTS. */
function requireRoom({ store }: ApplyContext): void {
  if (store.agents.count() >= ENGINE_LIMITS.maxAgents) throw new ChannelError('TOO_MANY_AGENTS')
}

/** @throws AGENT_EXISTS, TOO_MANY_AGENTS. */
export function applyCreateAgent(
  context: ApplyContext,
  { id, agentId, definition }: CommandOf<'create-agent'>,
): Effect {
  const { agents } = context.store
  const earlier = agents.get(agentId)
  if (earlier?.revision === id) return quiet({ isDuplicate: true })
  if (earlier !== undefined) throw new ChannelError('AGENT_EXISTS')
  requireRoom(context)
  agents.save({ id: agentId, definition: { ...definition }, isStopped: false, revision: id })
  return quiet({})
}

/** @throws AGENT_NOT_FOUND. */
export function applyUpdateAgent(
  { store }: ApplyContext,
  { id, agentId, changes }: CommandOf<'update-agent'>,
): Effect {
  const earlier = store.agents.get(agentId)
  if (earlier?.definition === undefined) throw new ChannelError('AGENT_NOT_FOUND')
  if (earlier.revision === id) return quiet({ isDuplicate: true })
  const definition = { ...earlier.definition, ...compact(changes) }
  store.agents.save({ ...earlier, definition, revision: id })
  return quiet({})
}

export function applyDeleteAgent(
  { store }: ApplyContext,
  { agentId }: CommandOf<'delete-agent'>,
): Effect {
  if (store.agents.get(agentId) === undefined) return quiet({})
  store.agents.remove(agentId)
  store.inbox.removeCursor(agentId)
  store.inbox.removeFailures(agentId)
  return quiet({})
}

/** @throws TOO_MANY_AGENTS. */
export function applyStopAgent(
  context: ApplyContext,
  { id, agentId }: CommandOf<'stop-agent'>,
): Effect {
  const { agents, inbox } = context.store
  const earlier = agents.get(agentId)
  if (earlier?.isStopped === true) return quiet({ isDuplicate: earlier.revision === id })
  if (earlier === undefined) requireRoom(context)
  agents.save({ id: agentId, ...earlier, isStopped: true, revision: id })
  inbox.removeCursor(agentId)
  return quiet({})
}

export function applyStartAgent(
  { store }: ApplyContext,
  { id, agentId }: CommandOf<'start-agent'>,
): Effect {
  const { agents, inbox } = store
  const earlier = agents.get(agentId)
  if (earlier?.isStopped !== true) return quiet({ isDuplicate: earlier?.revision === id })
  // Of one that others define nothing is left to say.
  if (earlier.definition === undefined) agents.remove(agentId)
  else agents.save({ ...earlier, isStopped: false, revision: id })
  const place = inbox.newestPlace()
  inbox.saveCursor(agentId, { place, settledBy: null })
  return quiet({ place })
}

/**
 * Whether somebody who works for the agent comes too late: it was stopped, or it is one that the log defined
 * (`isRegistered`), and does so no more.
 */
export function isDismissed(
  { store }: ApplyContext,
  { agentId, isRegistered }: { readonly agentId: string; readonly isRegistered?: boolean },
): boolean {
  const agent = store.agents.get(agentId)
  if (agent === undefined) return isRegistered === true
  return agent.isStopped || (isRegistered === true && agent.definition === undefined)
}
