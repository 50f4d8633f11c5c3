import { Changer } from '../cluster/support/changes.ts'
import { channelCreation, restUntilAnswered } from '../cluster/support/rest.ts'

/** Requests that may wait while the server is away; past it the plan's are left out. */
const MAX_WAITING = 300

/** One who asks for changes over REST, one after the other, in the plan's order. */
export class Desk {
  readonly changer: Changer
  readonly problems: string[] = []
  readonly #url: string
  #waitingCount = 0
  #last: Promise<void> = Promise.resolve()

  constructor(url: string, name: string) {
    this.#url = url
    this.changer = new Changer(url, name)
  }

  /** Answers false when too much waits already. */
  ask(act: (changer: Changer) => Promise<void>): boolean {
    if (this.#waitingCount >= MAX_WAITING) return false
    this.#waitingCount += 1
    this.#last = this.#last.then(() => this.#try(act))
    return true
  }

  /** Makes a channel, unless it is there already. */
  create(channelId: string): boolean {
    return this.ask(async () => {
      const { status, text } = await restUntilAnswered(this.#url, channelCreation(channelId))
      if (status !== 201 && status !== 409) throw new Error(`create: ${status} ${text}`)
    })
  }

  /** Resolves when nothing waits. */
  async done(): Promise<void> {
    await this.#last
  }

  async #try(act: (changer: Changer) => Promise<void>): Promise<void> {
    try {
      await act(this.changer)
    } catch (error) {
      // An answer that the promises do not know is a finding, not the end of the run.
      const { name } = this.changer.journal
      this.problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      this.#waitingCount -= 1
    }
  }
}
