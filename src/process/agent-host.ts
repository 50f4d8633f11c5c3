import type { ChildContext, RunningChild } from './child.ts'

/**
 * A process for the modules in `workers/`. This release runs none yet: it loads nothing and connects to
 * nothing, but lives under supervision like every other process.
 */
export async function composeAgentHost(_context: ChildContext): Promise<RunningChild> {
  return {
    connectionCount: () => 0,
    drain: () => Promise.resolve(),
  }
}
