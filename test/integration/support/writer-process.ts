import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Command } from '../../../src/log/log.ts'
import { compile } from '../../contract/support/compile.ts'

/** Compiles what a writer process runs into a new folder, and answers that. */
export function compileWriter(directory: string): string {
  const modules = join(directory, 'modules')
  compile('log/server.ts', modules, ['ipc/listen.ts', 'log/sqlite/sqlite-engine.ts'])
  return modules
}

export interface WriterProcess {
  /** Of `compileWriter`. */
  readonly modules: string
  readonly directory: string
  /** It dies once one of these is committed, unanswered. */
  readonly lastType?: Command['type']
}

/** Resolves once it can be reached. */
export function forkWriter({ modules, directory, lastType }: WriterProcess): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'writer-child.mjs')
  const options = lastType === undefined ? [] : [lastType]
  const child = fork(script, [modules, directory, ...options], { execArgv: [] })
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child))
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)))
  })
}

export function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
