/** One process of the server, as `GET /api/server/cluster` shows it. */
export interface ProcessInfo {
  readonly role: 'primary' | 'writer' | 'gateway' | 'agent-host'
  readonly pid: number
  readonly uptimeMs: number
  readonly connections: number
}

/** One file of the workers folder, or one elizaOS runtime, as `GET /api/workers` shows it. */
export interface WorkerInfo {
  /** The file's name without its ending; of a runtime one like it. No two have the same. */
  readonly name: string
  /** Null for a runtime, which lives in the process that started the server. */
  readonly file: string | null
  /** Who it is in channels; null for a worker that is no agent. */
  readonly agent: { readonly id: string; readonly name: string; readonly bio?: string } | null
  readonly handlers: readonly string[]
  /** Why it does not serve; absent where it does. */
  readonly problem?: string
}

/** Whether the server may get traffic, and what is wrong, whether it prevents that or not. */
export interface Readiness {
  readonly isReady: boolean
  readonly problems: readonly string[]
}

/** One line of the server's own log, parsed. `level` and `time` as pino writes them. */
export interface LogLine {
  readonly level: number
  readonly time: number
  readonly msg: string
  readonly agentName?: string
  readonly agentId?: string
  readonly [field: string]: unknown
}

/** What the server knows about itself as a whole; the primary answers. */
export interface Cluster {
  processes(): Promise<readonly ProcessInfo[]>
  readiness(): Promise<Readiness>
  /** Every file of the workers folder, as the agent host that came last has loaded it, and every runtime. */
  workers(): Promise<readonly WorkerInfo[]>
  /** The last lines of all processes, oldest first; bounded by the primary. */
  logs(): Promise<readonly LogLine[]>
  clearLogs(): Promise<void>
  /** Begins the drain that SIGTERM begins. */
  stop(): void
}

/** Lines of all processes as they are logged. */
export interface LogStream {
  /** Calls back with each line, once, from now on until the returned function is called. */
  subscribe(listener: (line: LogLine) => void): () => void
}
