import type { Socket } from 'socket.io-client'

type Payload = Readonly<Record<string, unknown>>

/** One event of a connection about a room with agents, as it came or went; `lost`: the connection ended. */
export interface Heard {
  readonly way: 'in' | 'out' | 'lost'
  readonly event: string
  readonly channelId: string
  readonly payload: Payload
  /** Epoch ms. */
  readonly atMs: number
}

/** Whether it tells of a stream's text. */
const isChunk = ({ way, event }: Heard): boolean => way === 'in' && event === 'messageStreamChunk'

function payloadOf(args: readonly unknown[]): Payload {
  const [first] = args
  return typeof first === 'object' && first !== null ? { ...first } : {}
}

/**
 * Hears everything that passes between one client and the server about some channels, in its order, whatever
 * else listens: what agents do is judged by nothing else of a client.
 */
export class Ear {
  readonly name: string
  readonly heard: Heard[] = []
  readonly #channels: ReadonlySet<string>
  /** Streams that have begun, as far as this client can tell, and have not ended. */
  readonly #active = new Map<string, { readonly messageId: string; readonly channelId: string }>()
  /** Of each channel the newest message that somebody is on. */
  readonly #questions = new Map<string, string>()

  constructor(name: string, socket: Socket, channels: ReadonlySet<string>) {
    this.name = name
    this.#channels = channels
    socket.onAny((event: string, ...args: readonly unknown[]) => {
      this.#hear('in', event, payloadOf(args))
    })
    socket.onAnyOutgoing((event: string, ...args: readonly unknown[]) => {
      this.#hear('out', event, payloadOf(args))
    })
    socket.on('disconnect', () => {
      this.#active.clear()
      this.#questions.clear()
      for (const channelId of channels) this.#note('lost', 'disconnect', { channelId })
    })
  }

  /** Something of this client's that did not go over its socket. */
  noteOut(event: string, payload: Payload): void {
    this.#hear('out', event, payload)
  }

  /** Streams that go on, oldest first, and messages that agents are on. */
  get stoppable(): readonly { readonly messageId: string; readonly channelId: string }[] {
    const questions = [...this.#questions].map(([channelId, messageId]) => ({
      channelId,
      messageId,
    }))
    return [...this.#active.values(), ...questions]
  }

  /** How many chunks came. */
  get chunkCount(): number {
    return this.heard.filter(isChunk).length
  }

  #hear(way: 'in' | 'out', event: string, payload: Payload): void {
    const { channelId } = payload
    if (typeof channelId !== 'string' || !this.#channels.has(channelId)) return
    this.#note(way, event, { ...payload, channelId })
    if (way === 'in') this.#follow(event, { ...payload, channelId })
  }

  #note(way: Heard['way'], event: string, payload: Payload & { readonly channelId: string }): void {
    this.heard.push({ way, event, channelId: payload.channelId, payload, atMs: Date.now() })
  }

  #follow(event: string, payload: Payload & { readonly channelId: string }): void {
    const { channelId } = payload
    const messageId = String(payload['messageId'] ?? payload['id'])
    if (event === 'messageStreamChunk') this.#active.set(messageId, { messageId, channelId })
    if (event === 'messageBroadcast') this.#active.delete(messageId)
    if (event === 'agent_state') {
      if (payload['state'] === 'thinking') this.#questions.set(channelId, messageId)
      else if (this.#questions.get(channelId) === messageId) this.#questions.delete(channelId)
    }
  }
}
