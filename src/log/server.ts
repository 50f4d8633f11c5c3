import { FrameKind } from '../ipc/frame-kinds.ts'
import { encodeFrame } from '../ipc/frames.ts'
import { LINK_LIMITS } from '../ipc/link.ts'
import type { FramedLink } from '../ipc/link.ts'
import { ChannelError, toChannelError } from '../protocol/errors.ts'
import type { Entry, Ephemeral, JoinNotice } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ChunkRef, StreamClaim } from './agent-work.ts'
import type { Attachment, CoreConsumer } from './attachment.ts'
import type { LogCore } from './core.ts'
import type { Applied } from './engine.ts'
import type { Command } from './log.ts'
import { encodeAnswer, packJson } from './remote/wire.ts'
import type { AppendPayload, FollowPayload, ReadyPayload, TurnPayload } from './remote/wire.ts'
import { withOwner } from './work/with-owner.ts'

export interface LogServerOptions {
  readonly core: LogCore
  readonly logger?: Logger
  /** The `maxFrameBytes` of the links; frames stay below it. */
  readonly maxFrameBytes?: number
}

/** One peer: what it follows, and its encoded answers of the batch that is being published. */
interface Peer {
  readonly link: FramedLink
  readonly channels: Set<string>
  answers: string[]
}

/**
 * Serves the log to `RemoteLog`s over links, in the process that owns the storage.
 *
 * A committed batch is encoded once per channel and goes to the links that follow it, and to no
 * others; the answers of the batch leave behind its entries, in the same write. Once the storage has
 * failed, or the core was closed, nobody is answered: links close with the process, and what is
 * unanswered comes again.
 */
export class LogServer implements CoreConsumer {
  readonly #core: LogCore
  readonly #logger: Logger | undefined
  readonly #attachment: Attachment
  /** A quarter, because a character may take three bytes. */
  readonly #maxFrameChars: number
  readonly #followers = new Map<string, Set<Peer>>()
  readonly #answered = new Set<Peer>()
  readonly #watchers = new Set<FramedLink>()
  /** Present while somebody watches: without it the core need not ask for the newest place. */
  #watch: Attachment | undefined

  constructor(options: LogServerOptions) {
    this.#core = options.core
    this.#logger = options.logger
    this.#maxFrameChars = Math.floor((options.maxFrameBytes ?? LINK_LIMITS.maxFrameBytes) / 4)
    this.#attachment = options.core.attach(this)
  }

  /** Puts the log's handlers on a new link, before it starts. */
  serve(link: FramedLink): void {
    const peer: Peer = { link, channels: new Set(), answers: [] }
    link.handle(FrameKind.LOG_APPEND, (payload) => this.#append(peer, payload))
    link.handle(FrameKind.LOG_FOLLOW, (payload) => this.#follow(peer, payload))
    link.handle(FrameKind.LOG_UNFOLLOW, (payload) => this.#unfollow(peer, payload.toString()))
    link.handle(FrameKind.LOG_PUBLISH, (payload) => {
      const frame: Ephemeral = JSON.parse(payload.toString())
      this.#core.publish(frame)
    })
    link.handle(FrameKind.LOG_ANNOUNCE, (payload) => {
      const joined: JoinNotice = JSON.parse(payload.toString())
      this.#core.announce(joined)
    })
    link.handle(FrameKind.LOG_WATCH, () => this.#addWatcher(link))
    this.#serveWork(link)
    link.onClose(() => {
      this.#removeWatcher(link)
      for (const channelId of peer.channels) this.#unfollow(peer, channelId)
    })
    const ready: ReadyPayload = { epoch: this.#core.engine.epoch }
    link.send(FrameKind.LOG_READY, JSON.stringify(ready))
  }

  #serveWork(link: FramedLink): void {
    const { streams, turns } = this.#core
    const { id: owner } = link.peer
    link.handle(FrameKind.WORK_AGENTS, (payload) => {
      const agentIds: readonly string[] = JSON.parse(payload.toString())
      turns.run(owner, agentIds)
    })
    link.handle(FrameKind.WORK_TURN, (payload) => {
      const [act, turn]: TurnPayload = JSON.parse(payload.toString())
      if (act === 'begin') turns.begin(owner, turn)
      else this.#core.endTurn(owner, turn)
    })
    link.handle(FrameKind.WORK_CHUNK, (payload) => {
      const chunk: ChunkRef = JSON.parse(payload.toString())
      streams.write(owner, chunk)
    })
    link.handle(FrameKind.WORK_CLAIM, (payload) => {
      const claim: StreamClaim = JSON.parse(payload.toString())
      if (streams.claim(owner, claim)) turns.claimed(claim)
    })
    streams.ownerBack(owner)
    turns.ownerBack(owner)
    link.onClose(() => {
      streams.ownerGone(owner)
      turns.ownerGone(owner)
    })
  }

  onEntries(channelId: string, entries: readonly Entry[]): void {
    const items = entries.map((entry) => JSON.stringify(entry))
    const { arrays, tooLong } = packJson(items, this.#maxFrameChars)
    const head = JSON.stringify(channelId)
    for (const body of arrays) {
      this.#broadcast(channelId, FrameKind.LOG_ENTRIES, `[${head},${body}]`)
    }
    // The follower reads what is too large for a frame; it sees that it is missing, unless it is the last.
    if (tooLong.includes(entries.length - 1)) {
      const upTo = entries.at(-1)?.seq ?? 0
      this.#broadcast(channelId, FrameKind.LOG_ENTRIES, `[${head},[],${upTo}]`)
    }
  }

  onEphemeral(frame: Ephemeral): void {
    this.#broadcast(frame.channelId, FrameKind.LOG_EPHEMERAL, JSON.stringify(frame))
  }

  onBatchEnd(): void {
    for (const peer of this.#answered) {
      const { arrays } = packJson(peer.answers, this.#maxFrameChars)
      peer.answers = []
      for (const body of arrays) peer.link.send(FrameKind.LOG_ANSWERS, body)
    }
    this.#answered.clear()
  }

  #append(peer: Peer, payload: Buffer): void {
    const [ref, asked]: AppendPayload = JSON.parse(payload.toString())
    const command = withOwner(asked, peer.link.peer.id)
    try {
      this.#core.submit(command, payload.length, (applied) =>
        this.#answer(peer, ref, { command, applied }),
      )
    } catch (error) {
      // OVERLOADED, or WRITER_UNAVAILABLE.
      this.#answer(peer, ref, { command, applied: { error: toChannelError(error) } })
      this.onBatchEnd()
    }
  }

  #answer(peer: Peer, ref: number, done: { command: Command; applied: Applied }): void {
    const { command, applied } = done
    if (!peer.link.isOpen) return
    // The writer fails or stops. Unanswered, the change comes again over the link to the next one.
    if ('error' in applied && applied.error.code === 'WRITER_UNAVAILABLE') return
    if ('error' in applied && applied.error.code === 'INTERNAL') {
      const context = { err: applied.error, cause: applied.error.cause, type: command.type }
      this.#logger?.error(context, 'a change failed')
    }
    let answer = JSON.stringify(encodeAnswer(ref, command, applied))
    if (answer.length > this.#maxFrameChars) {
      const error = new ChannelError('INTERNAL')
      this.#logger?.error({ type: command.type, chars: answer.length }, 'an answer is too large')
      answer = JSON.stringify(encodeAnswer(ref, command, { error }))
    }
    peer.answers.push(answer)
    this.#answered.add(peer)
  }

  #follow(peer: Peer, payload: Buffer): void {
    const asked: FollowPayload = JSON.parse(payload.toString())
    const answers = asked.map(([ref, channelId, again]) => {
      this.#follower(channelId).add(peer)
      peer.channels.add(channelId)
      return this.#followed(ref, channelId, again === 1)
    })
    const { arrays } = packJson(answers, this.#maxFrameChars)
    for (const body of arrays) peer.link.send(FrameKind.LOG_FOLLOWED, body)
  }

  /** Texts that no frame holds are left out: whoever begins to follow then sees the messages when they are whole. */
  #followed(ref: number, channelId: string, isAgain: boolean): string {
    const position = this.#core.engine.head(channelId)
    const activity = this.#core.activity(channelId, isAgain)
    if (activity === undefined) return JSON.stringify([ref, position])
    const whole = JSON.stringify([ref, position, activity])
    if (whole.length <= this.#maxFrameChars) return whole
    return JSON.stringify([ref, position, { ...activity, streams: [], isCut: true }])
  }

  #follower(channelId: string): Set<Peer> {
    const known = this.#followers.get(channelId)
    if (known !== undefined) return known
    const followers = new Set<Peer>()
    this.#followers.set(channelId, followers)
    this.#attachment.follow(channelId)
    return followers
  }

  #unfollow(peer: Peer, channelId: string): void {
    peer.channels.delete(channelId)
    const followers = this.#followers.get(channelId)
    if (followers === undefined) return
    followers.delete(peer)
    if (followers.size > 0) return
    this.#followers.delete(channelId)
    this.#attachment.unfollow(channelId)
  }

  #addWatcher(link: FramedLink): void {
    this.#watchers.add(link)
    this.#watch ??= this.#core.attach({
      onEntries: () => undefined,
      onEphemeral: () => undefined,
      onCommitted: (place) => {
        this.#tellWatchers(FrameKind.LOG_COMMITTED, String(place))
      },
      onJoined: (joined) => {
        this.#tellWatchers(FrameKind.LOG_JOINED, JSON.stringify(joined))
      },
      onCancelled: (cancelled) => {
        this.#tellWatchers(FrameKind.WORK_CANCELLED, JSON.stringify(cancelled))
      },
      onAgentsChanged: () => {
        this.#tellWatchers(FrameKind.LOG_AGENTS, '')
      },
    })
  }

  #tellWatchers(kind: number, payload: string): void {
    const frame = encodeFrame(kind, payload)
    for (const watcher of this.#watchers) watcher.sendFrame(frame)
  }

  #removeWatcher(link: FramedLink): void {
    this.#watchers.delete(link)
    if (this.#watchers.size > 0) return
    this.#watch?.detach()
    this.#watch = undefined
  }

  #broadcast(channelId: string, kind: number, payload: string): void {
    const followers = this.#followers.get(channelId)
    if (followers === undefined) return
    const frame = encodeFrame(kind, payload)
    for (const { link } of followers) link.sendFrame(frame)
  }
}
