import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import type { Role } from './server.ts'
import { ENTRY, isAlive, processesAt } from './server.ts'

const PROJECT = path.join(import.meta.dirname, '../../..')

/** Longest that one pm2 command may take: a stop waits for the drain. */
const COMMAND_TIMEOUT_MS = 60_000

/** pm2's executable: `TEST_PM2`, else what is on the PATH; undefined when there is none. */
export function findPm2(): string | undefined {
  const named = process.env['TEST_PM2']
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`TEST_PM2=${named} does not exist`)
    return named
  }
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.map((folder) => path.join(folder, 'pm2')).find((file) => existsSync(file))
}

/** What `pm2 list` shows of one application. */
export interface Pm2App {
  readonly status: string
  readonly mode: string
  readonly pid: number
  readonly restarts: number
}

interface Listed {
  readonly pid: number
  readonly pm2_env: {
    readonly status: string
    readonly exec_mode: string
    readonly restart_time: number
    readonly kill_timeout?: number
  }
}

/** A folder like a clone of the project, with its own `.env` and data, and a pm2 daemon of its own. */
export class Pm2 implements AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly #executable: string

  constructor(executable: string, place: { readonly folder: string; readonly port: number }) {
    this.#executable = executable
    this.folder = place.folder
    this.port = place.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get dataDir(): string {
    return path.join(this.folder, 'data')
  }

  get #home(): string {
    return path.join(this.folder, 'pm2')
  }

  /** Writes the `.env` that the next start reads. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const all = { PARLEY_PORT: String(this.port), ...settings }
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(path.join(this.folder, '.env'), lines.join(''))
  }

  /** Runs one pm2 command to its end; answers what it printed. Rejects when it fails. */
  async run(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [this.#executable, ...words], {
      cwd: this.folder,
      timeout: COMMAND_TIMEOUT_MS,
      // Nothing of this shell: what it has set would win over `.env`.
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        PM2_HOME: this.#home,
        PM2_DISCRETE_MODE: 'true',
      },
    })
    return stdout
  }

  async list(): Promise<readonly Listed[]> {
    const printed = await this.run('jlist')
    // A command that had to start the daemon says so first.
    return JSON.parse(printed.slice(printed.lastIndexOf('\n[') + 1)) as Listed[]
  }

  /** The one application. */
  async app(): Promise<Pm2App> {
    const [app, ...others] = await this.list()
    if (app === undefined || others.length > 0) throw new Error('not one application')
    const { status, exec_mode: mode, restart_time: restarts } = app.pm2_env
    return { status, mode, restarts, pid: app.pid }
  }

  /** Process ids of one role. */
  async pids(role: Role): Promise<readonly number[]> {
    const processes = await processesAt(this.url)
    return processes.filter((one) => one.role === role).map(({ pid }) => pid)
  }

  /** Resolves when the server is ready, its primary not among `gone`. */
  async serves(gone: readonly number[] = []): Promise<void> {
    await eventually(
      async () => {
        const [primary = 0] = await this.pids('primary')
        const { ok } = await fetch(`${this.url}/readyz`)
        return ok && !gone.includes(primary)
      },
      { what: `a ready server without ${gone.join(', ')}`, timeoutMs: 40_000 },
    )
  }

  /** Resolves with the application's error log once there is something in it. */
  async complained(name: string): Promise<string> {
    const file = path.join(this.#home, 'logs', `${name}-error.log`)
    return eventually(() => readFile(file, 'utf8').then((text) => text || undefined), {
      what: `a line in ${file}`,
    })
  }

  async daemonPid(): Promise<number> {
    return Number(await readFile(path.join(this.#home, 'pm2.pid'), 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = await processesAt(this.url).catch(() => [])
    await this.run('kill')
    // Nothing, unless a test failed that had killed the daemon.
    for (const { pid } of processes) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await eventually(() => processes.every(({ pid }) => !isAlive(pid)), {
      what: 'the end of all that pm2 started',
    })
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A port that nobody has at this moment; the server must have the same one after a restart. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Lays out the folder, with the project's own `ecosystem.config.cjs`; starts nothing. */
export async function openPm2(
  executable: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Pm2> {
  const folder = await mkdtemp(path.join(tmpdir(), 'parley-pm2-'))
  for (const file of ['ecosystem.config.cjs', 'package.json']) {
    await copyFile(path.join(PROJECT, file), path.join(folder, file))
  }
  await symlink(path.dirname(ENTRY), path.join(folder, 'dist'))
  const pm2 = new Pm2(executable, { folder, port: await freePort() })
  await pm2.configure(settings)
  return pm2
}
