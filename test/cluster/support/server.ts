import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from './eventually.ts'

/** The folder of the package that this file belongs to, run as it is or compiled into a folder below. */
function packageRoot(from: string): string {
  return existsSync(path.join(from, 'package.json')) ? from : packageRoot(path.dirname(from))
}

/** The executable under test. */
export const ENTRY =
  process.env['TEST_PARLEY_ENTRY'] ?? path.join(packageRoot(import.meta.dirname), 'dist', 'main.js')

/** A loaded machine's start: processes, database, sockets. */
const START_TIMEOUT_MS = 30_000

export type Role = 'primary' | 'writer' | 'gateway' | 'agent-host'

export interface ProcessInfo {
  readonly role: Role
  readonly pid: number
  readonly uptimeMs: number
  readonly connections: number
}

export interface StartOptions {
  /** Given to a second start on the same data; a fresh directory that disappears with the server otherwise. */
  readonly dataDir?: string
  /** Node's IPC channel, as a process manager opens it. */
  readonly withChannel?: boolean
  /** Behind the executable's name. */
  readonly args?: readonly string[]
  /** What proves that the test may ask about the server's processes, where that has to be proved. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type Line = Readonly<Record<string, unknown>>

/** A process that is killed in mid-write leaves half a line. */
function parsedLine(line: string): Line {
  try {
    return JSON.parse(line) as Line
  } catch {
    return { msg: 'half a line', line }
  }
}

/** The executable, spawned; it may not be ready, or refuse to start at all. */
export class ServerProcess {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  /** Resolves with what the process sends on its IPC channel. */
  readonly firstMessage: Promise<unknown>
  /** Parsed lines of all processes' logs, in order of arrival. */
  readonly lines: Line[] = []
  stderr = ''

  constructor(environment: Readonly<Record<string, string>>, options: StartOptions = {}) {
    const ours = Object.keys(process.env).filter((name) =>
      /^(PARLEY_|PORT$|SERVER_PORT$)/.test(name),
    )
    const inherited = {
      ...process.env,
      ...Object.fromEntries(ours.map((name) => [name, undefined])),
    }
    this.child = spawn(process.execPath, [ENTRY, ...(options.args ?? [])], {
      cwd: tmpdir(),
      env: { ...inherited, PARLEY_PORT: '0', ...environment },
      stdio: [
        'ignore',
        'pipe',
        'pipe',
        ...(options.withChannel === true ? (['ipc'] as const) : []),
      ],
    })
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal })
      })
    })
    this.firstMessage = new Promise((resolve) => {
      this.child.once('message', resolve)
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    if (this.child.stdout === null) throw new Error('the process has no standard output')
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.lines.push(parsedLine(line))
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  line(message: string): Line | undefined {
    return this.lines.find(({ msg }) => msg === message)
  }

  /** Resolves with the first log line that has this message, past or to come. */
  async logged(message: string): Promise<Line> {
    return eventually(() => this.line(message), {
      what: `the log line "${message}"`,
      timeoutMs: START_TIMEOUT_MS,
      isOver: () => this.child.exitCode !== null || this.child.signalCode !== null,
      explain: () => `${this.stderr}\n${JSON.stringify(this.lines.slice(-10), null, 1)}`,
    })
  }
}

interface Place {
  readonly url: string
  readonly dataDir: string
  readonly isTemporary: boolean
  readonly headers: Readonly<Record<string, string>>
}

/** A running server with temporary data. */
export class TestServer implements AsyncDisposable {
  readonly process: ServerProcess
  readonly url: string
  readonly dataDir: string
  readonly #isTemporary: boolean
  readonly #headers: Readonly<Record<string, string>>
  #processCount = 0

  constructor(process: ServerProcess, place: Place) {
    this.process = process
    this.url = place.url
    this.dataDir = place.dataDir
    this.#isTemporary = place.isTemporary
    this.#headers = place.headers
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get pid(): number {
    return this.process.pid
  }

  get lines(): readonly Line[] {
    return this.process.lines
  }

  get exited(): Promise<Exit> {
    return this.process.exited
  }

  /** Remembers how many processes there are when all is well, for `healed`. */
  async open(): Promise<this> {
    this.#processCount = (await this.processes()).length
    return this
  }

  processes(): Promise<readonly ProcessInfo[]> {
    return processesAt(this.url, this.#headers)
  }

  /** Process ids of one role, in order of their start. */
  async pids(role: Role): Promise<readonly number[]> {
    const processes = await this.processes()
    return processes.filter((one) => one.role === role).map(({ pid }) => pid)
  }

  /** Sends a signal to one process of a role; resolves with its process id. */
  async kill(role: Role, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const [pid] = await this.pids(role)
    if (pid === undefined) throw new Error(`no ${role} is running`)
    process.kill(pid, signal)
    return pid
  }

  /** Resolves when the server has every process it was started with, none of them among `gone`, and is ready. */
  async healed(gone: readonly number[] = []): Promise<readonly ProcessInfo[]> {
    return eventually(
      async () => {
        const processes = await this.processes()
        const isOld = processes.some(({ pid }) => gone.includes(pid))
        if (isOld || processes.length !== this.#processCount) return undefined
        const response = await fetch(`${this.url}/readyz`)
        const { problems } = (await response.json()) as { readonly problems: readonly string[] }
        return problems.length === 0 ? processes : undefined
      },
      { what: `a healthy server without ${gone.join(', ')}` },
    )
  }

  /** Stops the server the way a process manager does. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.process.child.kill(signal)
    return this.exited
  }

  /** Ends it at once; its children follow, since their channel closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pids = await this.processes().catch(() => [])
    this.process.child.kill('SIGKILL')
    await this.exited
    await eventually(() => pids.every(({ pid }) => !isAlive(pid)), {
      what: 'the end of all children',
    })
    if (this.#isTemporary) await rm(this.dataDir, { recursive: true, force: true })
  }
}

/** Every process of the server there, in order of their start. */
export async function processesAt(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly ProcessInfo[]> {
  const response = await fetch(`${url}/api/server/cluster`, { headers })
  const { data } = (await response.json()) as { data: { processes: readonly ProcessInfo[] } }
  return data.processes
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Starts the real executable on a free port and resolves when everything serves. */
export async function startServer(
  environment: Readonly<Record<string, string>> = {},
  options: StartOptions = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'parley-test-')))
  const settings = { PARLEY_DRAIN_MS: '2000', PARLEY_DATA_DIR: dataDir, ...environment }
  const server = new ServerProcess(settings, options)
  const { url } = await server.logged('listening')
  const isTemporary = options.dataDir === undefined
  const { headers = {} } = options
  return new TestServer(server, { url: String(url), dataDir, isTemporary, headers }).open()
}
