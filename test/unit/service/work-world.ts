import { pino } from 'pino'
import type { ChannelLog, EntryRange } from '../../../src/log/log.ts'
import type { AgentTurn, Entry, Ephemeral } from '../../../src/protocol/model.ts'
import { LiveChannels } from '../../../src/service/live.ts'
import { tick } from './live-scene.ts'
import { WatchingClient } from './watching-client.ts'
import { CHANNEL, EPOCH } from './scripted-log.ts'

export const AGENT = 'agent'

/** Everything about a message but its text. */
const MESSAGE = { channelId: CHANNEL, serverId: 's', authorId: AGENT, createdAt: 1, updatedAt: 1 }

export function posted(seq: number, id: string, text: string): Entry {
  const message = { ...MESSAGE, id, seq, body: { text, source: 'test' } }
  return { kind: 'posted', channelId: CHANNEL, seq, at: seq, hasAgents: false, message }
}

/** How somebody joins: from where it stopped, decided about, and with what network. */
export interface JoinPlan {
  /** Entries less than the newest there are; none: it comes for the first time. */
  readonly missed: number | undefined
  readonly isDecided: boolean
  readonly isSlow: boolean
}

/**
 * A writer with one channel in which agents write, and a gateway behind it with a feed that may lag. What is
 * stored is there at once, what the feed brings comes when the test says so.
 */
export class WorkWorld {
  readonly live: LiveChannels
  readonly clients: WatchingClient[] = []
  /** As the writer has delivered them. */
  readonly streams = new Map<string, string>()
  readonly turns = new Map<string, AgentTurn>()
  readonly #entries: Entry[] = []
  #feed: (Entry | Ephemeral)[] = []
  #joins: Promise<void>[] = []
  #streamCount = 0

  constructor() {
    this.live = new LiveChannels({
      maxResumeEntries: 1_000,
      maxBacklogEntries: 10_000,
      logger: pino({ level: 'silent' }),
    })
    const log = {
      epoch: EPOCH,
      follow: async () => 0,
      unfollow: () => undefined,
      head: async () => this.head,
      entries: async ({ after, upTo }: EntryRange) => this.#entries.slice(after, upTo),
    }
    this.live.attach(log as unknown as ChannelLog)
  }

  get head(): number {
    return this.#entries.length
  }

  begin(): void {
    this.#streamCount += 1
    const messageId = `m${this.#streamCount}`
    this.streams.set(messageId, '')
    this.#turn({ agentId: AGENT, messageId: 'q', state: 'streaming', streamMessageId: messageId })
  }

  write(nth: number, chunk: string): void {
    const [messageId, text] = this.#stream(nth)
    if (messageId === undefined) return
    const place = { messageId, agentId: AGENT, index: text.length, offset: text.length }
    this.streams.set(messageId, text + chunk)
    this.#feed.push({ kind: 'chunk', channelId: CHANNEL, ...place, chunk })
  }

  end(nth: number): void {
    const [messageId, text] = this.#stream(nth)
    if (messageId === undefined) return
    this.streams.delete(messageId)
    this.#store(posted(this.head + 1, messageId, text))
  }

  think(messageId: string, isThinking: boolean): void {
    this.#turn({ agentId: AGENT, messageId, state: isThinking ? 'thinking' : 'idle' })
  }

  say(): void {
    this.#store({ kind: 'cleared', channelId: CHANNEL, seq: this.head + 1, at: 1 })
  }

  removeChannel(): void {
    this.streams.clear()
    this.turns.clear()
    this.#store({ kind: 'removed', channelId: CHANNEL, seq: this.head + 1, at: 1 })
  }

  /** A new link to the writer: frames on their way are lost, entries are read. */
  relink(): void {
    this.#feed = this.#feed.filter((item) => 'seq' in item)
    const streams = [...this.streams].map(([messageId, text]) => ({
      messageId,
      agentId: AGENT,
      index: text.length,
      text,
    }))
    const turns = [...this.turns.values()]
    this.#feed.push({ kind: 'activity', channelId: CHANNEL, streams, turns })
  }

  /** The feed brings some of what it has, as one read of the link does. */
  async feed(count: number): Promise<void> {
    for (const item of this.#feed.splice(0, count)) {
      if ('seq' in item) this.live.onEntries(CHANNEL, [item])
      else this.live.onEphemeral(item)
    }
    await tick()
  }

  async join({ missed, isDecided, isSlow }: JoinPlan): Promise<void> {
    const client = new WatchingClient(isSlow)
    this.clients.push(client)
    const seq = Math.max(0, this.head - (missed ?? 0))
    const joining = this.live.join({
      channelId: CHANNEL,
      follower: client,
      onJoined: client.joined,
      ...(missed === undefined ? {} : { since: { epoch: EPOCH, seq } }),
      ...(isDecided ? { admit: () => this.#decided() } : {}),
    })
    this.#joins.push(joining)
    await tick()
  }

  /** Slow ones take one thing more. */
  async pace(): Promise<void> {
    for (const client of this.clients) client.take()
    await tick()
  }

  /** Brings everything to everybody. */
  async settle(): Promise<void> {
    await this.feed(this.#feed.length)
    for (const client of this.clients) client.hasten()
    await Promise.all(this.#joins)
    await tick()
  }

  async #decided(): Promise<number> {
    const { head } = this
    await tick()
    return head
  }

  #stream(nth: number): readonly [messageId: string | undefined, text: string] {
    return [...this.streams][nth % Math.max(1, this.streams.size)] ?? [undefined, '']
  }

  #turn(turn: AgentTurn): void {
    if (turn.state === 'idle') this.turns.delete(turn.messageId)
    else this.turns.set(turn.messageId, turn)
    this.#feed.push({ kind: 'turn', channelId: CHANNEL, ...turn })
  }

  #store(entry: Entry): void {
    this.#entries.push(entry)
    this.#feed.push(entry)
  }
}
