import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { ENTRY } from './server.ts'

export interface ToolRun {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Runs it as another user; only root may. */
  readonly uid?: number
}

/** Longest that a command may take, in milliseconds; then it is killed. */
const TIMEOUT_MS = 30_000

/** Runs the executable with arguments until it ends. */
export function runTool(args: readonly string[], options: ToolOptions = {}): Promise<ToolRun> {
  const { environment = {}, uid } = options
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(PARLEY_|PORT$|SERVER_PORT$)/.test(name),
  )
  const env = { ...Object.fromEntries(inherited), PARLEY_PORT: '0', ...environment }
  const user = uid === undefined ? {} : { uid, gid: uid }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [ENTRY, ...args],
      { cwd: tmpdir(), env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', ...user },
      (_, stdout, stderr) => {
        resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr })
      },
    )
  })
}
