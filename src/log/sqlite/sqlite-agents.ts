import type { Database, Statement } from 'better-sqlite3'
import type { HttpAgent } from '../../protocol/http-agent.ts'
import type { StoredAgent } from '../agents.ts'
import type { AgentReadStore, AgentStore } from '../engine/agent-store.ts'

interface AgentColumns {
  readonly id: string
  /** JSON. */
  readonly definition: string | null
  readonly is_stopped: number
  readonly changed_by: string
}

function decode({ id, definition, is_stopped, changed_by }: AgentColumns): StoredAgent {
  const base = { id, isStopped: is_stopped === 1, revision: changed_by }
  if (definition === null) return base
  const parsed: HttpAgent = JSON.parse(definition)
  return { ...base, definition: parsed }
}

/** The registry of agents over one connection; nothing is cached. */
export class SqliteAgentReads implements AgentReadStore {
  readonly #all: Statement<[], AgentColumns>

  constructor(database: Database) {
    this.#all = database.prepare('SELECT * FROM agents ORDER BY id')
  }

  all(): readonly StoredAgent[] {
    return this.#all.all().map(decode)
  }
}

interface AgentWrites {
  readonly get: Statement<[string], AgentColumns>
  readonly count: Statement<[], number>
  readonly save: Statement<[AgentColumns], never>
  readonly remove: Statement<[string], never>
}

export class SqliteAgents extends SqliteAgentReads implements AgentStore {
  readonly #writes: AgentWrites

  constructor(database: Database) {
    super(database)
    this.#writes = {
      get: database.prepare('SELECT * FROM agents WHERE id = ?'),
      count: database.prepare<[], number>('SELECT count(*) FROM agents').pluck(),
      save: database.prepare(`INSERT INTO agents (id, definition, is_stopped, changed_by)
        VALUES (:id, :definition, :is_stopped, :changed_by)
        ON CONFLICT (id) DO UPDATE SET definition = excluded.definition,
          is_stopped = excluded.is_stopped, changed_by = excluded.changed_by`),
      remove: database.prepare('DELETE FROM agents WHERE id = ?'),
    }
  }

  get(agentId: string): StoredAgent | undefined {
    const columns = this.#writes.get.get(agentId)
    return columns && decode(columns)
  }

  count(): number {
    return this.#writes.count.get() ?? 0
  }

  save({ id, definition, isStopped, revision }: StoredAgent): void {
    this.#writes.save.run({
      id,
      definition: definition === undefined ? null : JSON.stringify(definition),
      is_stopped: isStopped ? 1 : 0,
      changed_by: revision,
    })
  }

  remove(agentId: string): void {
    this.#writes.remove.run(agentId)
  }
}
