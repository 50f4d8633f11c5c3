import { readdir } from 'node:fs/promises'
import type { ChildContext, RunningChild } from './child.ts'
import { codeOf } from '../error-facts.ts'

const MODULE = /\.[cm]?[jt]s$/

/** Names of the modules in a folder; none where there is no such folder. */
async function modulesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder)
    return names.filter((name) => MODULE.test(name)).toSorted()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/**
 * A process for the modules in `workers/`. This release runs none yet, and says so when it finds any;
 * it lives under supervision like every other process.
 */
export async function composeAgentHost({ start, logger }: ChildContext): Promise<RunningChild> {
  const { workersDir } = start.settings
  const modules = await modulesIn(workersDir)
  if (modules.length > 0) {
    logger.warn({ workersDir, modules }, 'worker modules found; this release does not run them yet')
  }
  return {
    connectionCount: () => 0,
    drain: () => Promise.resolve(),
  }
}
