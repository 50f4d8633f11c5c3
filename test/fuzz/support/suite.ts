import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Clients } from '../../compat/support/clients.ts'
import type { ConnectOptions } from '../../compat/support/client.ts'
import { within } from '../../cluster/support/deadline.ts'
import { eventually } from '../../cluster/support/eventually.ts'
import { startServer } from '../../cluster/support/server.ts'
import type { TestServer } from '../../cluster/support/server.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { Promises, readApi } from './api.ts'
import type { Api } from './api.ts'
import { acknowledgementFault, packetFault } from './check-events.ts'
import { restFault } from './check-rest.ts'
import { eventArguments, handshakes, isEvent, strangePackets } from './events.ts'
import type { Ground } from './from-schema.ts'
import { openProbe } from './held.ts'
import type { Held, Probe } from './held.ts'
import { openRawClient } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'
import { openRawWebSocket } from './raw-web-socket.ts'
import { restCalls, RestSender } from './rest-calls.ts'
import type { RestCall } from './rest-calls.ts'
import { fuzzRuns } from './runs.ts'

/** Who fuzzes, and what is there to be found. */
export interface FuzzMode {
  readonly settings: Readonly<Record<string, string>>
  /** What the test itself needs to ask about processes. */
  readonly adminHeaders?: Readonly<Record<string, string>>
  /** Headers of the attacker's requests. */
  readonly headers: Readonly<Record<string, string>>
  /** Of its handshakes. */
  readonly auth: object
  /** Options of the two clients that converse before and after. */
  readonly people: readonly [ConnectOptions, ConnectOptions]
  /** Puts in place what the attacker must not see; resolves with the texts and with ids that lead there. */
  readonly plant: (server: TestServer) => Promise<{
    readonly planted: readonly string[]
    readonly ids: readonly string[]
  }>
  /** Where the people converse. */
  readonly channelId: string
}

/** Calls and events of one round, which are under way at the same time. */
const MAX_AT_ONCE = 12
/** Bytes that a process may hold more than after the warm-up: caches and buffers find their size, a leak of every round would pass it. */
const MAX_GROWTH_BYTES = 12_000_000
/** Handles and files that may come and go between two looks: connections that are kept alive, a checkpoint. */
const MAX_MORE_HANDLES = 20
/** Part of the rounds that warms caches and compilers up. */
const WARM_UP_SHARE = 0.4

/** Everything that the fuzz of one mode works with. */
class Bench implements AsyncDisposable {
  readonly server: TestServer
  readonly mode: FuzzMode
  readonly api: Api
  readonly ground: Ground
  readonly planted: readonly string[]
  readonly pids: readonly number[]
  readonly #promises: Promises
  readonly #sender: RestSender
  readonly #probe: Probe
  #client: RawClient | undefined
  /** What was wrong with anything that came over a socket. */
  readonly #packetFaults: string[] = []

  constructor(parts: {
    readonly server: TestServer
    readonly mode: FuzzMode
    readonly api: Api
    readonly probe: Probe
    readonly planted: readonly string[]
    readonly ids: readonly string[]
    readonly pids: readonly number[]
  }) {
    this.server = parts.server
    this.mode = parts.mode
    this.api = parts.api
    this.ground = { schemas: parts.api.schemas, ids: parts.ids }
    this.planted = parts.planted
    this.pids = parts.pids
    this.#probe = parts.probe
    this.#promises = new Promises(parts.api)
    this.#sender = new RestSender(parts.server.url)
  }

  /** What is wrong with the answer to one call, undefined when nothing is. */
  async callFault(call: RestCall): Promise<string | undefined> {
    const { method, target } = call
    try {
      const answer = await this.#sender.send(call)
      const fault = restFault(call, answer, { promises: this.#promises, planted: this.planted })
      if (fault === undefined) return undefined
      return `${method} ${target.slice(0, 300)} → ${answer.status} ${answer.text.slice(0, 500)}: ${fault}`
    } catch (error) {
      // What is refused before it was read to its end may be cut off while it is still being sent.
      return isOverlong(call) ? undefined : `${method} ${target.slice(0, 300)}: ${String(error)}`
    }
  }

  /** What is wrong with the answer to one event. */
  async eventFault(client: RawClient, args: string): Promise<string | undefined> {
    const answer = await client.ask(args)
    if (answer === undefined)
      return `no answer, but the end of the connection: ${args.slice(0, 500)}`
    const fault = acknowledgementFault(answer, this.planted)
    return fault === undefined
      ? undefined
      : `${args.slice(0, 500)} → ${answer.slice(0, 500)}: ${fault}`
  }

  /** A connection of the attacker's, kept for as long as the server keeps it. */
  async client(): Promise<RawClient> {
    if (this.#client?.isOpen !== true) this.#client = await this.connect()
    return this.#client
  }

  connect(auth: object = this.mode.auth): Promise<RawClient> {
    return openRawClient(this.server.port, { auth }, (packet) => {
      const fault = packetFault(packet, this.planted)
      if (fault !== undefined) this.#packetFaults.push(fault.slice(0, 1_000))
    })
  }

  /** Faults of what came over sockets since the last call. */
  takePacketFaults(): readonly string[] {
    return this.#packetFaults.splice(0)
  }

  async held(): Promise<ReadonlyMap<number, Held>> {
    this.#client?.[Symbol.dispose]()
    const areGone = async (): Promise<boolean> =>
      (await this.server.processes()).every(({ connections }) => connections === 0)
    await eventually(areGone, { what: 'the end of all connections' })
    const all = new Map<number, Held>()
    for (const pid of this.pids) all.set(pid, await this.#probe.ask(pid))
    return all
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]()
    this.#sender[Symbol.dispose]()
    await this.server[Symbol.asyncDispose]()
    await this.#probe[Symbol.asyncDispose]()
  }
}

/** Bytes of a request's head that Node's parser takes. */
const MAX_HEAD_BYTES = 16_000

function isOverlong({ target, headers, body = '' }: RestCall): boolean {
  const head = Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  )
  return body.length > LIMITS.maxBodyBytes || target.length + head > MAX_HEAD_BYTES
}

async function openBench(mode: FuzzMode): Promise<Bench> {
  const probe = await openProbe()
  const settings = {
    PARLEY_GATEWAYS: '2',
    PARLEY_AGENT_HOSTS: '0',
    ...probe.environment,
    ...mode.settings,
  }
  const server = await startServer(settings, { headers: mode.adminHeaders ?? {} })
  const found = await mode.plant(server)
  const pids = (await server.processes()).map(({ pid }) => pid)
  const api = await readApi(server.url)
  return new Bench({ server, mode, api, probe, pids, ...found })
}

interface Rounds {
  readonly seed: number
  readonly numRuns: number
}

/** Routes and events, tried with everything, some at a time. */
async function tryCalls(bench: Bench, rounds: Rounds) {
  const calls = restCalls(bench.api, bench.ground, bench.mode.headers)
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 1, maxLength: MAX_AT_ONCE }), async (some) => {
      const faults = await Promise.all(some.map((call) => bench.callFault(call)))
      expect(faults.filter((fault) => fault !== undefined)).toEqual([])
    }),
    rounds,
  )
}

async function tryEvents(bench: Bench, rounds: Rounds) {
  const events = eventArguments(bench.ground).filter(isEvent)
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 1, maxLength: MAX_AT_ONCE }), async (some) => {
      const client = await bench.client()
      const faults = await Promise.all(some.map((args) => bench.eventFault(client, args)))
      expect(faults.filter((fault) => fault !== undefined)).toEqual([])
      expect(bench.takePacketFaults()).toEqual([])
    }),
    rounds,
  )
}

/** One event that must be answered whatever another connection does. */
const SOUND = '["leave",{"channelId":"sound"}]'

async function tryPackets(bench: Bench, rounds: Rounds) {
  const frames = fc.array(strangePackets(bench.ground), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(frames, fc.option(fc.uint8Array({ maxLength: 64 })), async (some, binary) => {
      const witness = await bench.client()
      using client = await bench.connect()
      for (const packet of some) client.web.send(packet)
      if (binary !== null) client.web.sendFrame({ opcode: 2, payload: Buffer.from(binary) })
      await client.web.settled()
      expect(await bench.eventFault(witness, SOUND)).toBeUndefined()
      expect(bench.takePacketFaults()).toEqual([])
    }),
    rounds,
  )
}

async function tryHandshakes(bench: Bench, rounds: Rounds) {
  await fc.assert(
    fc.asyncProperty(handshakes(bench.ground), async (auth) => {
      const packets: string[] = []
      using web = await openRawWebSocket(bench.server.port, (packet, opened) => {
        packets.push(packet)
        if (packet.startsWith('0{')) opened.send(`40${auth}`)
        // Let in or refused: that is all that is asked.
        if (/^4[04]/.test(packet)) opened.socket.end()
      })
      await within(web.ended, () => `an answer to the handshake ${auth.slice(0, 500)}`)
      const faults = packets.map((packet) => packetFault(packet, bench.planted))
      expect(faults.filter((fault) => fault !== undefined)).toEqual([])
    }),
    rounds,
  )
}

/** Two people on two gateways: each sees what the other says, once and in order, and it is there to be read. */
async function converse(bench: Bench, text: string): Promise<void> {
  const { people, channelId } = bench.mode
  await using clients = new Clients(bench.server.url)
  const [one, two] = await clients.pair(...people)
  await Promise.all([one.join(channelId), two.join(channelId)])
  for (let index = 0; index < 10; index += 1) {
    const speaker = index % 2 === 0 ? one : two
    expect(await speaker.send(channelId, `${text} ${index}`)).toMatchObject({ channelId })
  }
  const expected = Array.from({ length: 10 }, (_, index) => `${text} ${index}`)
  const isOurs = ({ text: said }: { readonly text?: unknown }): boolean =>
    String(said).startsWith(text)
  for (const client of [one, two]) {
    const seen = await client.sawMany('messageBroadcast', 10, isOurs)
    expect(seen.map((message) => message['text'])).toEqual(expected)
  }
}

function faultyLines({ lines }: TestServer): readonly object[] {
  return lines.filter(({ level }) => typeof level !== 'number' || level >= 50)
}

/** Everything that one attacker can send, against one real server. */
export function describeFuzz(mode: FuzzMode): void {
  const { seed, runs, timeoutMs } = fuzzRuns()
  const warmUp = { seed: seed + 1, numRuns: Math.ceil(runs * WARM_UP_SHARE) }
  const rounds = { seed, numRuns: runs }
  let bench: Bench
  let before: ReadonlyMap<number, Held>

  beforeAll(async () => {
    bench = await openBench(mode)
    await tryCalls(bench, warmUp)
    await tryEvents(bench, warmUp)
    await tryPackets(bench, warmUp)
    await tryHandshakes(bench, warmUp)
    await converse(bench, 'before')
    before = await bench.held()
  }, timeoutMs * 3)
  afterAll(() => bench[Symbol.asyncDispose]())
  afterEach(async () => {
    // What a process says when it dies, before that it did.
    expect(bench.server.process.stderr).toBe('')
    expect(faultyLines(bench.server)).toEqual([])
    const processes = await bench.server.healed()
    expect(processes.map(({ pid }) => pid)).toEqual(bench.pids)
  })

  describe('whatever is sent', () => {
    it('every route answers as it is described', () => tryCalls(bench, rounds), timeoutMs)
    it(
      'every event is answered, and nothing but known events comes',
      () => tryEvents(bench, rounds),
      timeoutMs,
    )
    it(
      'a packet that is no event ends its own connection at most',
      () => tryPackets(bench, rounds),
      timeoutMs,
    )
    it('every handshake is answered', () => tryHandshakes(bench, rounds), timeoutMs)
  })

  it('people converse as before', () => converse(bench, 'after'))

  it('no process holds more than it did', async () => {
    const after = await bench.held()
    for (const [pid, was] of before) {
      const is = after.get(pid)
      if (process.env['TEST_FUZZ_RUNS'] !== undefined) {
        process.stdout.write(`fuzz: ${pid} ${JSON.stringify(was)} ${JSON.stringify(is)}\n`)
      }
      expect(is?.heldBytes).toBeLessThan(was.heldBytes + MAX_GROWTH_BYTES)
      expect(is?.handles).toBeLessThan(was.handles + MAX_MORE_HANDLES)
      expect(is?.files).toBeLessThan(was.files + MAX_MORE_HANDLES)
      expect(is?.listeners).toBe(was.listeners)
    }
  })
}
