import type { Heard } from './ear.ts'
import { HeardCompletions } from './heard-completions.ts'
import { HeardStreams } from './heard-streams.ts'
import { isAgent } from './talk-truth.ts'

type Payload = Heard['payload']

/** `leaving`: it has asked to leave, and what was on its way still comes. */
type Place = 'outside' | 'inside' | 'leaving'

interface AgentRow {
  readonly agentId: string
  readonly messageId: string
}

/** How a stream ended of which everybody is told why. */
const BROKEN: ReadonlySet<unknown> = new Set(['interrupted', 'failed'])

const turnKey = ({ agentId, messageId }: Payload | AgentRow): string =>
  `${String(agentId)} about ${String(messageId)}`

/** What one client heard of agents in one room, followed from its first join to the end. */
export class HeardRoom {
  readonly violations: string[] = []
  streamErrors = 0
  readonly completions: HeardCompletions
  readonly streams: HeardStreams
  readonly #turns = new Set<string>()
  #place: Place = 'outside'
  /** The join that waits for its answer. */
  #asked: { readonly isAnew: boolean } | undefined
  #isBehindJoin = false
  #error: Payload | undefined

  /** @param stopped questions that somebody wanted stopped. */
  constructor(channelId: string, name: string, stopped: ReadonlySet<string>) {
    const report = (what: string): void => {
      this.violations.push(`${channelId}: ${name} ${what}`)
    }
    this.completions = new HeardCompletions(report, stopped)
    this.streams = new HeardStreams(report)
    this.#report = report
  }

  readonly #report: (what: string) => void

  note({ way, event, payload }: Heard): void {
    if (way === 'lost') this.#lost()
    else if (way === 'out') this.#out(event, payload)
    else this.#in(event, payload)
  }

  /** Everything has come to rest. */
  finish(): void {
    this.#checkError('rest', {})
    if (this.#place !== 'inside') return
    this.completions.finish()
    for (const id of this.streams.goingOn) this.#report(`was shown ${id}, which never ended`)
    for (const turn of this.#turns) this.#report(`was told of a turn that never ended: ${turn}`)
  }

  /** Whether something is still to come, if this is the end. */
  get isWaiting(): boolean {
    if (this.#place !== 'inside') return false
    return this.completions.isWaiting || this.streams.goingOn.length > 0 || this.#turns.size > 0
  }

  #lost(): void {
    this.#place = 'outside'
    this.#asked = undefined
    this.#error = undefined
    this.streams.begin(false)
    this.#turns.clear()
    this.completions.lost()
  }

  #out(event: string, payload: Payload): void {
    if (event === 'ROOM_JOINING') {
      this.#asked = { isAnew: payload['since'] === undefined }
      this.completions.paused()
    } else if (event === 'leave') {
      this.#asked = undefined
      this.#place = 'leaving'
      this.completions.paused()
    }
  }

  #in(event: string, payload: Payload): void {
    this.#checkError(event, payload)
    switch (event) {
      case 'channel_joined':
        this.#joined(payload)
        return
      case 'room_joined':
        return
      case 'channel_left':
        this.#left()
        break
      case 'messageStreamChunk':
        if (this.#place === 'outside') this.#report('saw a chunk, and is not in the room')
        this.streams.chunk(payload, this.#isBehindJoin)
        return
      case 'messageStreamError':
        this.streamErrors += 1
        this.#error = payload
        break
      case 'messageBroadcast':
        this.#posted(payload)
        break
      case 'messageComplete':
        this.completions.completed(String(payload['messageId']))
        break
      case 'messageDeleted':
        this.completions.erased(String(payload['messageId']))
        break
      case 'channelCleared':
        this.completions.cleared()
        break
      case 'agent_state':
        this.#turned(payload)
        break
    }
    this.#isBehindJoin = false
  }

  #joined({ agents }: Payload): void {
    const { isAnew = false } = this.#asked ?? {}
    // Left again before the answer came.
    if (this.#asked === undefined) return
    this.#asked = undefined
    this.#place = 'inside'
    this.#isBehindJoin = true
    this.streams.begin(isAnew)
    this.completions.joined()
    this.#turns.clear()
    if (!Array.isArray(agents)) this.#report('was not told what agents do when it joined')
    for (const row of Array.isArray(agents) ? agents : []) this.#turns.add(turnKey(row))
  }

  #left(): void {
    this.#place = 'outside'
    this.streams.begin(false)
    this.#turns.clear()
  }

  #turned(payload: Payload): void {
    if (this.#place === 'outside') this.#report('was told of a turn, and is not in the room')
    if (payload['state'] === 'idle') this.#turns.delete(turnKey(payload))
    else this.#turns.add(turnKey(payload))
  }

  #posted(payload: Payload): void {
    if (payload['messageSeq'] !== undefined) return
    // Outside nobody is shown anything but its own words, and what a join replays.
    if (this.#place === 'outside' && this.#asked === undefined) return
    this.streams.posted(payload, this.#place === 'leaving')
    this.completions.posted(String(payload['id']), !isAgent(String(payload['senderId'])))
  }

  /**
   * The message of a stream that broke comes right behind the word of it, and no other does. Without one there is
   * none, which is asked of what is stored.
   */
  #checkError(event: string, payload: Payload): void {
    const error = this.#error
    this.#error = undefined
    const isPosting = event === 'messageBroadcast' && payload['messageSeq'] === undefined
    const isBroken = isPosting && BROKEN.has(payload['streamState'])
    const isAbout = isPosting && error?.['messageId'] === payload['id']
    if (error !== undefined && !isAbout) this.streams.lose(error)
    if (isAbout || isBroken) this.#checkBroken(error ?? {}, payload, isBroken)
  }

  #checkBroken(error: Payload, message: Payload, isBroken: boolean): void {
    const isSame = error['messageId'] === message['id'] && error['partialText'] === message['text']
    if (isBroken && isSame) return
    const [word, posting] = [error, message].map((each) => JSON.stringify(each).slice(0, 300))
    this.#report(`heard ${word}, and then ${posting}`)
  }
}
