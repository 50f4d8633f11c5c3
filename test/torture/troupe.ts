import { whileMoving } from '../cluster/support/deadline.ts'
import type { Journal } from '../cluster/support/journal.ts'
import { channelPath, rest } from '../cluster/support/rest.ts'
import type { Acknowledged } from '../cluster/support/sender.ts'
import type { TestClient } from '../cluster/support/sockets.ts'
import { Desk } from './desk.ts'
import type { Ear } from './ear.ts'
import { Link } from './link.ts'
import { Person } from './person.ts'
import type { Cancel } from './person.ts'
import type { Cast, Churn, Deed, Fault } from './steps.ts'
import { talkChannels } from './talk-rooms.ts'

/** Messages among which edits and deletions choose. */
const MAX_RECENT = 400
/** Questions among which deletions choose: few, so that agents may be at them. */
const MAX_RECENT_QUESTIONS = 12
const LOOK_EVERY_MS = 50

export type ClientDeed = Exclude<Deed, Fault>
type DeedOf<Does extends Deed['does']> = Extract<Deed, { readonly does: Does }>

/** Everyone on the clients' side. */
export class Troupe {
  /** Those with agents are the last. */
  readonly channels: readonly string[]
  /** What the plan wanted and there was no room or nothing for. */
  missedCount = 0
  acknowledgedCount = 0
  readonly #url: string
  readonly #port: number
  /** Without agents: they come and go. */
  readonly #rooms: readonly string[]
  readonly #members: Person[] = []
  readonly #passers = new Set<Person>()
  readonly #passed: Person[] = []
  readonly #desks: readonly Desk[]
  /** For whole channels. */
  readonly #house: Desk
  /** By changer: nobody else edits the same message. */
  readonly #recent: readonly Acknowledged[][]
  readonly #recentQuestions: Acknowledged[] = []
  readonly #problems: string[] = []

  constructor(cast: Cast, port: number) {
    const url = `http://127.0.0.1:${port}`
    this.#port = port
    this.#url = url
    this.#rooms = Array.from({ length: cast.roomCount }, (_, room) => `room-${room}`)
    this.channels = [...this.#rooms, ...talkChannels.slice(0, cast.talkCount)]
    this.#desks = Array.from({ length: cast.changerCount }, (_, at) => new Desk(url, `desk-${at}`))
    this.#house = new Desk(url, 'house')
    this.#recent = this.#desks.map(() => [])
  }

  /** Makes the channels that are not there yet and brings everyone in. */
  async open({ members }: Cast): Promise<void> {
    for (const channelId of this.#rooms) this.#house.create(channelId)
    await this.#house.done()
    for (const { name, transport, canStall, rooms } of members) {
      const link = canStall ? await Link.open(this.#port) : undefined
      const channels = rooms.map((room) => this.#room(room))
      this.#members.push(this.#person({ name, transport, channels, ...(link && { link }) }))
    }
    await Promise.all(this.#members.map(({ client }) => client.open()))
  }

  get journals(): readonly Journal[] {
    const persons = this.#persons.map(({ client }) => client.journal)
    const desks = [...this.#desks, this.#house].map(({ changer }) => changer.journal)
    return [...persons, ...desks]
  }

  get ears(): readonly Ear[] {
    return this.#persons.map(({ ear }) => ear)
  }

  get members(): readonly TestClient[] {
    return this.#members.map(({ client }) => client)
  }

  get problems(): readonly string[] {
    return [...this.#problems, ...[...this.#desks, this.#house].flatMap(({ problems }) => problems)]
  }

  act(deed: ClientDeed): void {
    const isDone = this.#try(deed)
    if (!isDone) this.missedCount += 1
  }

  /** Brings everyone back in and waits until nothing is under way any more. */
  async settle(): Promise<void> {
    for (const channelId of this.#rooms) this.#house.create(channelId)
    await Promise.all([...this.#desks, this.#house].map((desk) => desk.done()))
    for (const { client } of this.#members) {
      for (const channelId of client.channels) {
        if (!client.isInside(channelId)) client.rejoin(channelId, 'since')
      }
    }
    const isIdle = (): boolean =>
      this.#members.every(({ openCount }) => openCount === 0) && this.#passers.size === 0
    const describe = (): string =>
      [...this.#members, ...this.#passers].map((person) => person.describe()).join('\n')
    await whileMoving(until(isIdle), () => this.acknowledgedCount, describe)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members, ...this.#passers].map((person) => person.close()))
  }

  get #persons(): readonly Person[] {
    return [...this.#members, ...this.#passers, ...this.#passed]
  }

  #room(room: number): string {
    return this.channels[room] ?? ''
  }

  #person(
    options: Omit<ConstructorParameters<typeof Person>[0], 'url' | 'onAcknowledged'>,
  ): Person {
    const url = options.link?.url ?? this.#url
    const onAcknowledged = (message: Acknowledged): void => {
      this.acknowledgedCount += 1
      const isQuestion = !this.#rooms.includes(message.channelId)
      const changer = this.acknowledgedCount % this.#recent.length
      const recent = isQuestion ? this.#recentQuestions : (this.#recent[changer] ?? [])
      recent.push(message)
      if (recent.length > (isQuestion ? MAX_RECENT_QUESTIONS : MAX_RECENT)) recent.shift()
    }
    return new Person({ ...options, url, onAcknowledged })
  }

  /** Answers false when it cannot be done now. */
  #try(deed: ClientDeed): boolean {
    if (deed.does === 'churn') {
      void this.#pass(deed)
      return true
    }
    if (deed.does === 'repeat') return this.#members[deed.member]?.repeat(deed.which) ?? false
    if (deed.does === 'send') return this.#send(deed)
    if (deed.does === 'cancel') return this.#cancel(deed)
    if (deed.does === 'drop' || deed.does === 'stall') return this.#disturb(deed)
    if ('changer' in deed) return this.#change(deed)
    return 'member' in deed ? this.#move(deed) : this.#manage(deed)
  }

  #send({ member, room, count, paddingChars }: DeedOf<'send'>): boolean {
    const draft = { channelId: this.#room(room), ...(paddingChars && { paddingChars }) }
    return this.#members[member]?.send(draft, count) ?? false
  }

  #cancel({ member, which, by }: DeedOf<'cancel'>): boolean {
    const cancel = this.#members[member]?.cancel(which, by)
    if (cancel !== undefined && by === 'rest') void this.#cancelOverRest(cancel)
    return cancel !== undefined
  }

  async #cancelOverRest({ channelId, messageId }: Cancel): Promise<void> {
    const path = `${channelPath(channelId)}/messages/${messageId}/cancel`
    // A broken connection is no answer, and nothing is promised then.
    const answer = await rest(this.#url, { method: 'POST', path }).catch(() => undefined)
    const { status = 503, text = '' } = answer ?? {}
    // 404: the stream had no text, and left nothing.
    if (![200, 404, 503].includes(status)) this.#problems.push(`cancel: ${status} ${text}`)
  }

  #disturb(deed: DeedOf<'drop' | 'stall'>): boolean {
    const person = this.#members[deed.member]
    if (deed.does === 'drop') person?.drop()
    else person?.hold(deed.forMs)
    return person !== undefined
  }

  #change({ does, changer, which }: DeedOf<'edit' | 'delete' | 'retract'>): boolean {
    const recent = (does === 'retract' ? this.#recentQuestions : this.#recent[changer]) ?? []
    const message = recent[Math.floor(which * recent.length)]
    const desk = this.#desks[changer]
    if (message === undefined || desk === undefined) return false
    return desk.ask((asking) => (does === 'edit' ? asking.edit(message) : asking.delete(message)))
  }

  #manage({ does, room }: DeedOf<'clear' | 'remove' | 'create'>): boolean {
    const channelId = this.#room(room)
    if (does === 'create') return this.#house.create(channelId)
    return this.#house.ask((asking) =>
      does === 'clear' ? asking.clear(channelId) : asking.remove(channelId),
    )
  }

  #move(deed: DeedOf<'leave' | 'leave-and-back' | 'restart' | 'rejoin'>): boolean {
    const client = this.#members[deed.member]?.client
    const channelId = this.#room(deed.room)
    // Two joins of one channel under way could not be told apart by their answers.
    if (client === undefined || client.isJoining(channelId)) return false
    const isComing = deed.does === 'rejoin'
    if (client.isInside(channelId) === isComing) return false
    if (deed.does === 'leave' || deed.does === 'leave-and-back') client.leave(channelId)
    if (deed.does !== 'leave') client.rejoin(channelId, isComing ? deed.from : 'since')
    return true
  }

  async #pass({ number, transport, room, sends, staysMs, goes }: Churn): Promise<void> {
    const link = await Link.open(this.#port)
    const channelId = this.#room(room)
    const name = `c${number}`
    const person = this.#person({ name, transport, channels: [channelId], link })
    this.#passers.add(person)
    person.client.socket.connect()
    person.send({ channelId }, sends)
    setTimeout(() => {
      person.goAway(goes)
      this.#passed.push(person)
      this.#passers.delete(person)
      void person.close()
    }, staysMs)
  }
}

/** Resolves when it is so; the caller bounds the wait. */
function until(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!isSo()) return
      clearInterval(timer)
      resolve()
    }, LOOK_EVERY_MS)
  })
}
