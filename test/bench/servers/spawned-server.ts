import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerUnderTest, Side } from '../scenario.ts'
import { treeOf } from './process-tree.ts'
import { settleDisk } from './settle-disk.ts'

const START_TIMEOUT_MS = 30_000
const START_POLL_MS = 50
/** From SIGTERM until what is left is killed. */
const STOP_TIMEOUT_MS = 15_000
/** Characters of the server's output that are kept for a failure's message. */
const OUTPUT_CHARS = 4_000

export interface SpawnPlan {
  readonly kind: Side
  /** Of Node, without Node itself. */
  args(port: number): readonly string[]
  /** `dir` is a fresh directory that disappears with the server. */
  environment(port: number, dir: string): Readonly<Record<string, string>>
  /** Whether everything serves. */
  isReady(port: number, pids: readonly number[]): Promise<boolean>
  /** After its end, before its directory disappears. */
  onClosed?(dir: string): Promise<void>
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

/** The benchmark's own settings and flags do not reach the servers. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) =>
    /^(PARLEY_|ELIZA_|SERVER_|PORT$|NODE_OPTIONS$)/.test(name),
  )
  return { ...process.env, ...Object.fromEntries(names.map((name) => [name, undefined])) }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already, which is what was wanted.
  }
}

class SpawnedServer implements ServerUnderTest {
  readonly kind: Side
  readonly port: number
  readonly #plan: SpawnPlan
  readonly #dir: string
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''

  constructor(plan: SpawnPlan, port: number, dir: string) {
    this.kind = plan.kind
    this.port = port
    this.#plan = plan
    this.#dir = dir
    this.#child = spawn(process.execPath, plan.args(port), {
      cwd: dir,
      env: { ...inheritedEnvironment(), ...plan.environment(port, dir) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve()
      })
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS)
      })
    }
  }

  async ready(): Promise<this> {
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await this.#isReady())) {
      if (this.#hasEnded || Date.now() > deadline) {
        await this.close()
        throw new Error(`the ${this.kind} did not start: ${this.#output}`)
      }
      await sleep(START_POLL_MS)
    }
    return this
  }

  async pids(): Promise<readonly number[]> {
    return this.#hasEnded ? [] : treeOf(this.#child.pid ?? 0)
  }

  async close(): Promise<void> {
    const pids = await this.pids()
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const pid of pids) kill(pid, 'SIGKILL')
    }, STOP_TIMEOUT_MS)
    await this.#ended
    clearTimeout(late)
    // Children that outlive a first process which went without a word.
    if (this.#child.signalCode !== null) for (const pid of pids.slice(1)) kill(pid, 'SIGKILL')
    await this.#plan.onClosed?.(this.#dir)
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 })
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #isReady(): Promise<boolean> {
    try {
      return await this.#plan.isReady(this.port, await this.pids())
    } catch {
      // Nobody listens yet, or not for HTTP.
      return false
    }
  }
}

/** Starts a server in a directory of its own; resolves when it serves. */
export async function spawnServer(plan: SpawnPlan): Promise<ServerUnderTest> {
  await settleDisk()
  const dir = await mkdtemp(path.join(tmpdir(), `bench-${plan.kind}-`))
  return new SpawnedServer(plan, await freePort(), dir).ready()
}
