import { Journal } from './journal.ts'
import type { Change } from './journal.ts'
import { channelPath, restUntilAnswered } from './rest.ts'
import type { Acknowledged } from './sender.ts'

interface Asked {
  readonly change: Change
  readonly channelId: string
  readonly messageId?: string
  readonly text?: string
}

/**
 * Edits, deletes and clears over REST, one request after the other.
 *
 * A request whose connection broke is repeated as it was until it is answered, so it may have taken
 * effect twice; nobody else may edit the same message, or the last text would be anybody's guess.
 */
export class Changer {
  readonly journal: Journal
  readonly #url: string
  readonly #edits = new Map<string, number>()
  #requestCount = 0

  constructor(url: string, name: string) {
    this.#url = url
    this.journal = new Journal(name)
  }

  /** Gives the message its next text: its first one with a count of edits. */
  async edit(message: Acknowledged): Promise<void> {
    const { channelId, messageId } = message
    const edits = (this.#edits.get(messageId) ?? 0) + 1
    this.#edits.set(messageId, edits)
    const text = `${message.text} edit ${edits}`
    await this.#ask({ change: 'edit', channelId, messageId, text })
  }

  async delete({ channelId, messageId }: Acknowledged): Promise<void> {
    await this.#ask({ change: 'delete', channelId, messageId })
  }

  async clear(channelId: string): Promise<void> {
    await this.#ask({ change: 'clear', channelId })
  }

  /** Deletes the channel with all that is in it. */
  async remove(channelId: string): Promise<void> {
    await this.#ask({ change: 'remove', channelId })
  }

  async #ask(asked: Asked): Promise<void> {
    this.#requestCount += 1
    const requestId = this.#requestCount
    this.journal.record({ what: 'asked', requestId, ...asked })
    const { status, text } = await restUntilAnswered(this.#url, callFor(asked))
    if (status < 300) this.journal.record({ what: 'answered', requestId })
    // A message that was erased meanwhile cannot be edited: that is an answer, and changes nothing.
    else if (status === 404) this.journal.record({ what: 'gone', requestId })
    else throw new Error(`${asked.change}: ${status} ${text}`)
  }
}

function callFor({ change, channelId, messageId, text }: Asked) {
  const messages = `${channelPath(channelId)}/messages`
  switch (change) {
    case 'edit':
      return { method: 'PATCH', path: `${messages}/${messageId}`, body: { content: text } } as const
    case 'delete':
      return { method: 'DELETE', path: `${messages}/${messageId}` } as const
    case 'clear':
      return { method: 'DELETE', path: messages } as const
    case 'remove':
      return { method: 'DELETE', path: channelPath(channelId) } as const
  }
}

/**
 * Changes acknowledged messages at random until `isOver`: about half of the requests edit, half
 * delete. `pick` (0 ≤ pick < 1) decides, so a seeded one repeats its plan.
 */
export async function changeAtRandom(
  changer: Changer,
  messages: () => readonly Acknowledged[],
  options: { readonly isOver: () => boolean; readonly pick: () => number },
): Promise<void> {
  const { isOver, pick } = options
  while (!isOver()) {
    const known = messages()
    const message = known[Math.floor(pick() * known.length)]
    if (message === undefined) await new Promise((resolve) => setImmediate(resolve))
    else if (pick() < 0.6) await changer.edit(message)
    else await changer.delete(message)
  }
}

/** A seeded stream of numbers 0 ≤ n < 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
