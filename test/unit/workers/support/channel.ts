import type { MessageContext, MessageStream, Reply } from '../../../../src/agent/message-worker.ts'
import type { WorkerMessage } from '../../../../src/agent/worker.ts'

const CHANNEL = { id: 'channel', serverId: 'server', name: 'A channel', type: 'GROUP' } as const
/** When the first message of a channel was said. */
const START_MS = 1_700_000_000_000

/** Says that a text is written: on the way of what a handler writes, before the next. */
type OnWrite = (text: string) => void

/** One channel with one agent, without a server: what the agent is given, and what it did. */
export class FakeChannel {
  readonly said: WorkerMessage[] = []
  readonly removed: string[] = []
  readonly lines: { readonly fields: object; readonly message: string | undefined }[] = []
  readonly replies: Reply[] = []
  /** The chunks of each stream that was begun. */
  readonly streams: { readonly chunks: string[]; isEnded: boolean }[] = []
  readonly aborting = new AbortController()
  readonly agent: MessageContext['agent']
  onWrite: OnWrite = () => undefined
  readonly #type: MessageContext['channel']['type']
  readonly #agents: ReadonlySet<string>

  constructor(
    name: string,
    type: MessageContext['channel']['type'] = 'GROUP',
    agents: readonly string[] = [],
  ) {
    this.agent = { id: `${name}-id`, name }
    this.#type = type
    this.#agents = new Set([this.agent.id, ...agents])
  }

  /** Somebody says something, a second after the last one unless told otherwise. */
  say(senderId: string, text: string, more: Partial<WorkerMessage> = {}): WorkerMessage {
    const seq = (this.said.at(-1)?.seq ?? 0) + 1
    const createdAt = (this.said.at(-1)?.createdAt ?? START_MS) + 1_000
    const message: WorkerMessage = {
      id: `m${seq}`,
      channelId: CHANNEL.id,
      serverId: CHANNEL.serverId,
      seq,
      senderId,
      senderName: senderId,
      source: 'socketio_client',
      text,
      attachments: [],
      metadata: {},
      inReplyTo: undefined,
      createdAt,
      ...more,
    }
    this.said.push(message)
    return message
  }

  /** What a handler gets for the message. */
  context(message: WorkerMessage): MessageContext {
    const log = (fields: object, line?: string): void =>
      void this.lines.push({ fields, message: line })
    return {
      agent: this.agent,
      channel: { ...CHANNEL, type: this.#type },
      signal: this.aborting.signal,
      log: { debug: log, info: log, warn: log, error: log },
      waitUntil: () => undefined,
      passThroughOnException: () => undefined,
      reply: (reply) => this.#reply(reply),
      send: (_channelId, reply) => this.#reply(reply),
      stream: () => this.#stream(),
      remove: async (messageId) => {
        this.removed.push(messageId)
        this.said.splice(
          this.said.findIndex(({ id }) => id === messageId),
          1,
        )
      },
      typing: () => undefined,
      history: async ({ limit = 50, before = message.seq } = {}) =>
        this.said.filter(({ seq }) => seq < before).slice(-limit),
      participants: async () =>
        [...new Set([...this.#agents, ...this.said.map(({ senderId }) => senderId)])].map((id) => ({
          id,
          isAgent: this.#agents.has(id),
        })),
    }
  }

  async #reply(reply: Reply) {
    const { text = '', metadata = {} } = typeof reply === 'string' ? { text: reply } : reply
    this.replies.push(reply)
    const { id, channelId, seq, createdAt } = this.say(this.agent.id, text, { metadata })
    return { id, channelId, seq, createdAt, isDuplicate: false }
  }

  #stream(): MessageStream {
    const stream = { chunks: [] as string[], isEnded: false }
    this.streams.push(stream)
    return {
      write: async (text) => {
        stream.chunks.push(text)
        this.onWrite(text)
      },
      end: async () => {
        stream.isEnded = true
        return stream.chunks.length === 0 ? undefined : this.#reply(stream.chunks.join(''))
      },
    }
  }
}
