import type { ChunkRef, TurnRef } from '../../../src/log/agent-work.ts'
import type { LogCore } from '../../../src/log/core.ts'
import { LocalLog } from '../../../src/log/local.ts'
import type { Command, Outcome } from '../../../src/log/log.ts'
import { withOwner } from '../../../src/log/work/with-owner.ts'
import { newId } from '../../../src/util/new-id.ts'

/** A log that is shared with others, each of which has streams and turns of its own, as processes have. */
export class ProcessLog extends LocalLog {
  readonly #core: LogCore
  readonly #owner = newId()

  constructor(core: LogCore) {
    super(core, { onEntries: () => undefined, onEphemeral: () => undefined })
    this.#core = core
    core.streams.ownerBack(this.#owner)
  }

  override append(command: Command): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const sizeBytes = Buffer.byteLength(JSON.stringify(command))
      this.#core.submit(withOwner(command, this.#owner), sizeBytes, (applied) => {
        if ('error' in applied) reject(applied.error)
        else resolve(applied.outcome)
      })
    })
  }

  override runAgents(agentIds: readonly string[]): void {
    this.#core.turns.run(this.#owner, agentIds)
  }

  override beginTurn(turn: TurnRef): void {
    this.#core.turns.begin(this.#owner, turn)
  }

  override endTurn(turn: TurnRef): void {
    this.#core.turns.end(turn)
  }

  override writeStream(chunk: ChunkRef): void {
    this.#core.streams.write(this.#owner, chunk)
  }

  /** As the writer notices the end of a process. */
  die(): void {
    this.#core.streams.ownerGone(this.#owner)
    this.#core.turns.ownerGone(this.#owner)
  }
}
