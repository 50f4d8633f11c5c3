import { expect } from 'vitest'
import type { Client, Payload, Received } from './client.ts'
import { Clients } from './clients.ts'
import { rest } from './rest.ts'
import { Bindings } from './socket-bindings.ts'
import type { Deviation } from './socket-deviations.ts'
import type { Action, Expected, Scenario } from './socket-golden.ts'

/** What Parley says beyond the recorded server: never instead of what was recorded. */
const MORE = new Set(['messageComplete', 'presence', 'typing', 'log_stream'])

function isRecordedKind({ event, payload }: Received): boolean {
  if (event === 'channel_left') return payload.channelId !== 'round-trip'
  return !MORE.has(event)
}

type ConnectAction = Extract<Action, { readonly connect: string }>
type EmitAction = Extract<Action, { readonly emit: string }>
type HttpAction = Extract<Action, { readonly http: string }>

/**
 * Does again what a recorded client did, and compares what comes with what came then: the same
 * kinds in the same order on every socket, and of each at least the recorded fields.
 */
export class SocketReplay implements AsyncDisposable {
  readonly #url: string
  readonly #clients: Clients
  readonly #bindings = new Bindings()
  readonly #sockets = new Map<string, Client>()
  /** How much of what a socket received was compared. */
  readonly #compared = new Map<Client, number>()
  readonly #answers: Promise<Payload>[] = []

  constructor(url: string) {
    this.#url = url
    this.#clients = new Clients(url)
  }

  async run(scenario: Scenario, deviations: readonly Deviation[]): Promise<void> {
    for (const [index, step] of scenario.steps.entries()) {
      const here = deviations.filter((deviation) => deviation.step === index)
      const body = here.find((deviation) => deviation.body !== undefined)?.body
      for (const action of step.do) await this.#act(action, body)
      const came = new Map(
        Object.entries(step.came).map(([name, events]) => [name, compared(events)]),
      )
      for (const [name, events] of here.flatMap((one) => Object.entries(one.came ?? {}))) {
        came.set(name, events)
      }
      await this.#compare(came, `${scenario.name}, step ${index}`)
    }
  }

  /** Answers of the acknowledgement callbacks, in the order of the asking. */
  answers(): Promise<Payload[]> {
    return Promise.all(this.#answers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients[Symbol.asyncDispose]()
  }

  #socket(name: string): Client {
    const client = this.#sockets.get(name)
    if (client === undefined) throw new Error(`the recording did not connect ${name}`)
    return client
  }

  async #act(action: Action, body: unknown): Promise<void> {
    if ('connect' in action) this.#connect(action)
    else if ('emit' in action) this.#emit(action)
    else if ('http' in action) await this.#fetch(action, body)
    else this.#socket(action.disconnect).socket.disconnect()
  }

  #connect(action: ConnectAction): void {
    const client = this.#clients.dial({
      auth: action.auth,
      transports: [...action.transports],
      reconnection: false,
      ...(action.headers === undefined ? {} : { extraHeaders: action.headers }),
      ...(action.namespace === undefined ? {} : { namespace: action.namespace }),
    })
    client.socket.on('connect_error', ({ message }) => {
      client.note('connect_error', { message })
    })
    client.socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') client.note('disconnect', { reason })
    })
    this.#sockets.set(action.connect, client)
  }

  #emit(action: EmitAction): void {
    const client = this.#socket(action.emit)
    const args = action.args.map((arg) => this.#bindings.resolve(arg, undefined))
    if (action.isAsking === true) this.#answers.push(client.request(action.event, ...args))
    else client.emit(action.event, ...args)
  }

  async #fetch(action: HttpAction, deviation: unknown): Promise<void> {
    const { status, body } = await rest(this.#url, action.http)
    expect(status, action.http).toBe(action.status)
    const resolved = this.#bindings.resolve(deviation ?? action.body, body)
    expect({ http: action.http, body }).toMatchObject({ http: action.http, body: resolved })
  }

  async #compare(came: ReadonlyMap<string, readonly Expected[]>, where: string): Promise<void> {
    for (const [name, events] of came) {
      await this.#arrived(this.#socket(name), events, where)
    }
    const connected = [...this.#sockets.values()].filter(({ socket }) => socket.connected)
    await Promise.all(connected.map((client) => client.roundTrip()))
    for (const [name, client] of this.#sockets) {
      this.#check(client, came.get(name) ?? [], `${where}, ${name}`)
    }
  }

  #fresh(client: Client): Received[] {
    return client.received.slice(this.#compared.get(client) ?? 0).filter(isRecordedKind)
  }

  async #arrived(client: Client, events: readonly Expected[], where: string): Promise<void> {
    await client.until(
      () => this.#fresh(client).length >= events.length,
      () => `${where}: ${JSON.stringify(events)}; came: ${JSON.stringify(this.#fresh(client))}`,
    )
  }

  #check(client: Client, events: readonly Expected[], where: string): void {
    const fresh = this.#fresh(client)
    this.#compared.set(client, client.received.length)
    const came = JSON.stringify(fresh).slice(0, 1_000)
    const kinds = fresh.map(({ event }) => event)
    expect(kinds, `${where}: ${came}`).toEqual(events.map(([event]) => event))
    for (const [index, [event, payload]] of events.entries()) {
      const actual = fresh[index]?.payload
      const resolved = this.#bindings.resolve(payload, actual)
      expect({ where, event, payload: actual }).toMatchObject({ where, event, payload: resolved })
    }
  }
}

/** What was recorded, of the kinds that are compared. */
function compared(events: readonly Expected[]): readonly Expected[] {
  return events.filter(([event]) => !MORE.has(event))
}
