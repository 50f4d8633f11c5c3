import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessageHandlers } from '../../../src/agent/message-worker.ts'
import { AgentRuntime } from '../../../src/agent/runtime/agent-runtime.ts'
import type { AgentWorker } from '../../../src/agent/runtime/agent-worker.ts'
import { BegunWorkFile } from '../../../src/agent/runtime/begun-work-file.ts'
import type { RuntimeLimits } from '../../../src/agent/runtime/limits.ts'
import { WorkUnderWay } from '../../../src/agent/work-under-way.ts'
import type { Failure } from '../../../src/log/inbox.ts'
import { LogCore } from '../../../src/log/core.ts'
import { LocalLog } from '../../../src/log/local.ts'
import type { ChannelLog } from '../../../src/log/log.ts'
import { createMemoryEngine } from '../../../src/log/memory/memory-engine.ts'
import { openSqliteEngine } from '../../../src/log/sqlite/sqlite-engine.ts'
import { DEFAULT_SERVER_ID, LIMITS } from '../../../src/protocol/limits.ts'
import type { ChannelType, Ephemeral, Message } from '../../../src/protocol/model.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { createServices } from '../../../src/service/services.ts'
import type { TypingSignal } from '../../../src/signals/signals.ts'
import { newId } from '../../../src/util/new-id.ts'
import { ProcessLog } from './process-log.ts'

type LogLine = Readonly<Record<string, unknown>>

/** The log as one process sees it: until it is killed. */
export interface Life {
  readonly log: ChannelLog
  /** From now on nothing that it asks for is begun, and nothing that was begun is answered. */
  kill(): void
}

interface HostOptions {
  readonly limits?: Partial<RuntimeLimits>
  readonly log?: ChannelLog
}

const never = <Value>(): Promise<Value> => new Promise<Value>(() => undefined)

/** One real log, and processes that run agents on it, all in this one. */
export class AgentWorld implements AsyncDisposable {
  readonly lines: LogLine[] = []
  readonly typing: TypingSignal[] = []
  /** What those in the channels saw of agents at work. */
  readonly frames: Ephemeral[] = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'parley-agents-'))
  readonly #kind: 'memory' | 'sqlite'
  readonly #runtimes: AgentRuntime[] = []
  readonly #logger = createLogger({
    level: 'debug',
    role: 'agent-host',
    destination: {
      write: (line: string) => {
        const parsed: LogLine = JSON.parse(line)
        this.lines.push(parsed)
        this.#changed()
      },
    },
  })
  #waiters: (() => void)[] = []
  #core: LogCore
  #log: LocalLog

  constructor(kind: 'memory' | 'sqlite') {
    this.#kind = kind
    this.#core = this.#openCore()
    this.#log = this.#open()
  }

  get log(): ChannelLog {
    return this.#log
  }

  /** Closes the database and opens it again, as a new writer does. */
  async reopen(): Promise<void> {
    await this.#log.close()
    this.#core = this.#openCore()
    this.#log = this.#open()
  }

  worker(name: string, module: MessageHandlers, id: string = name): AgentWorker {
    return {
      agent: { id, name },
      module,
      handlers: Object.keys(module),
      env: {},
      logger: this.#logger.child({ agentName: name }),
    }
  }

  /** Where processes remember what they are working at. */
  get begunWorkFile(): string {
    return join(this.#directory, 'begun-work')
  }

  /** A process that runs these agents; started. */
  async host(
    workers: readonly AgentWorker[],
    { limits, log = new ProcessLog(this.#core) }: HostOptions = {},
  ): Promise<AgentRuntime> {
    const logger = this.#logger
    const runtime = new AgentRuntime({
      workers,
      log,
      services: createServices({
        log,
        presence: { enter() {}, leave() {}, watch() {}, unwatch() {}, list: async () => [] },
        logger,
        limits: LIMITS,
      }),
      tellTyping: (signal) => {
        this.typing.push(signal)
        this.#changed()
      },
      underWay: new WorkUnderWay(),
      asWorker: (_worker, run) => run(),
      openBegunWork: () => new BegunWorkFile(this.begunWorkFile, logger),
      ...(limits !== undefined && { limits }),
    })
    this.#runtimes.push(runtime)
    const opened = this.#count('inbox opened')
    runtime.start()
    const agents = workers.filter(({ handlers }) => handlers.includes('message'))
    await this.until(() => this.#count('inbox opened') === opened + agents.length)
    return runtime
  }

  life(): Life {
    let isAlive = true
    const process = new ProcessLog(this.#core)
    const log = new Proxy<ChannelLog>(process, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return async (...parameters: readonly unknown[]) => {
          if (!isAlive) return never()
          const result: unknown = await Reflect.apply(value, target, parameters)
          return isAlive ? result : never()
        }
      },
    })
    return {
      log,
      kill: () => {
        isAlive = false
        process.die()
      },
    }
  }

  async channel(
    agents: readonly string[],
    { type = 'GROUP', people = ['alice'] }: { type?: ChannelType; people?: readonly string[] } = {},
  ): Promise<string> {
    const id = newId()
    const participants = [
      ...people.map((entityId) => ({ entityId, isAgent: false })),
      ...agents.map((entityId) => ({ entityId, isAgent: true })),
    ]
    const channel = {
      id,
      serverId: DEFAULT_SERVER_ID,
      name: 'A channel',
      type,
      metadata: {},
      participants,
    }
    await this.#log.append({ type: 'create-channel', id: newId(), channel })
    await this.#log.follow(id)
    return id
  }

  /** Somebody says something; answers the message's id. */
  async say(channelId: string, text: string, authorId = 'alice'): Promise<string> {
    const id = newId()
    const message = { id, channelId, authorId, body: { text, source: 'test' } }
    await this.#log.append({ type: 'post', id, message })
    return id
  }

  /** Oldest first. */
  async messages(channelId: string): Promise<readonly Message[]> {
    const page = await this.#log.messages({ channelId, limit: 10_000 })
    return page.messages.toReversed()
  }

  /** The texts of one author, oldest first. */
  async texts(channelId: string, authorId?: string): Promise<readonly string[]> {
    const messages = await this.messages(channelId)
    return messages
      .filter((message) => authorId === undefined || message.authorId === authorId)
      .map(({ body }) => body.text)
  }

  failures(agentId: string): Promise<readonly Failure[]> {
    return this.#log.failures(agentId, { limit: 1_000 })
  }

  /** Whether the agent's cursor is behind everything that was said to it. */
  async isSettled(agentId: string): Promise<boolean> {
    const { place = 0 } = await this.#log.append({ type: 'open-inbox', id: newId(), agentId })
    const page = await this.#log.inbox({ agentId, after: place, limit: 1 })
    return page.items.length === 0
  }

  /** Resolves when the condition holds; looked at after everything that happens. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      const change = new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
      })
      if (await condition()) return
      await change
    }
  }

  /** Something happened that `until` may wait for. */
  notice(): void {
    this.#changed()
  }

  saying(msg: string): readonly LogLine[] {
    return this.lines.filter((line) => line.msg === msg)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#runtimes.map((runtime) => runtime.drain(0)))
    await this.#log.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #openCore(): LogCore {
    const file = join(this.#directory, 'log.db')
    const core = new LogCore({
      engine:
        this.#kind === 'memory'
          ? createMemoryEngine()
          : openSqliteEngine({ file, durability: 'normal' }),
      limits: { windowMs: 0 },
      onFailure: (error) => {
        throw error
      },
    })
    core.start()
    return core
  }

  #open(): LocalLog {
    return new LocalLog(this.#core, {
      onEntries: () => {
        this.#changed()
      },
      onEphemeral: (frame) => {
        this.frames.push(frame)
        this.#changed()
      },
      onBatchEnd: () => {
        this.#changed()
      },
      onCommitted: () => {
        for (const runtime of this.#runtimes) runtime.wake()
      },
      onCancelled: (cancelled) => {
        for (const runtime of this.#runtimes) runtime.cancel(cancelled)
      },
    })
  }

  #count(msg: string): number {
    return this.saying(msg).length
  }

  #changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) setImmediate(resolve)
  }
}
