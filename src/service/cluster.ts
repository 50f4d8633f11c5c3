/** One process of the server, as `GET /api/server/cluster` shows it. */
export interface ProcessInfo {
  readonly role: 'primary' | 'writer' | 'gateway' | 'agent-host'
  readonly pid: number
  readonly uptimeMs: number
  readonly connections: number
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
