import { reasonOf } from '../error-facts.ts'
import { Refusal } from '../refusal.ts'
import { readVersion } from '../version.ts'
import { USAGE } from './command-line.ts'
import type { Asked } from './command-line.ts'

/** Exit code of a command line that was not understood. */
const MISUSED = 2

type Tool = Exclude<Asked, { readonly command: 'serve' | 'dev' }>
type Work = Extract<Asked, { readonly file: unknown }>

async function work(asked: Work, signal: AbortSignal): Promise<number> {
  try {
    if (asked.command === 'backup') {
      const { backup } = await import('./backup.ts')
      await backup(asked.file, signal)
    } else {
      const { restore } = await import('./restore.ts')
      await restore(asked.file, signal)
    }
    return 0
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined
    const reason = error instanceof Refusal ? error.message : (stack ?? reasonOf(error))
    process.stderr.write(`parley ${asked.command}: ${reason}\n`)
    return 1
  }
}

/** Does what was asked and is not serving. Resolves with the exit code: 0 done, 1 failed, 2 not understood. */
export async function runTool(asked: Tool, signal: AbortSignal): Promise<number> {
  switch (asked.command) {
    case 'help':
      process.stdout.write(USAGE)
      return 0
    case 'version':
      process.stdout.write(`${readVersion()}\n`)
      return 0
    case 'misuse':
      process.stderr.write(`parley: ${asked.problem}\n${USAGE}`)
      return MISUSED
    case 'token': {
      const { makeToken } = await import('./token.ts')
      return makeToken(asked.args)
    }
    case 'backup':
    case 'restore':
      return work(asked, signal)
  }
}
