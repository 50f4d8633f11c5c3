import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { asPayload } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { startKeyedServer } from './support/keyed-server.ts'
import type { KeyedServer } from './support/keyed-server.ts'
import { DEVIATIONS } from './support/socket-deviations.ts'
import { goldenNames, loadScenario } from './support/socket-golden.ts'
import type { Step } from './support/socket-golden.ts'
import { SocketReplay } from './support/socket-replay.ts'
import { history, participants } from './support/rest.ts'

/** Recordings that are compared by a test of their own below or elsewhere. */
const APART = new Set([
  'a02-socket-auth',
  'e01-engineio-http',
  's18-ack-callback',
  's21-race-autocreate',
])

const deviationsOf = (name: string) => DEVIATIONS.filter(({ scenario }) => scenario === name)

describe('what the real elizaOS server answered, Parley answers', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '3' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const scenarios = goldenNames()
    .filter((name) => !APART.has(name))
    .map((name) => ({ file: name, scenario: loadScenario(name) }))

  it.each(scenarios)('$file: $scenario.description', async ({ file, scenario }) => {
    await using replay = new SocketReplay(server.url)
    await replay.run(scenario, deviationsOf(file))
  })

  it('s18: the same, and the acknowledgement callbacks are called with the reply’s fields', async () => {
    await using replay = new SocketReplay(server.url)
    const scenario = loadScenario('s18-ack-callback')
    await replay.run(scenario, [])
    const [channelId] = scenario.steps.flatMap(channelIds)
    expect(await replay.answers()).toMatchObject([
      { channelId, roomId: channelId, message: expect.stringContaining('successfully joined') },
      { channelId, roomId: channelId, status: 'received_by_server_and_processing', seq: 1 },
    ])
  })

  it('s21: ten racing sends of two make one channel, in one order that everybody sees', async () => {
    const race = loadScenario('s21-race-autocreate').steps.at(4)
    const sends = (race?.do ?? []).filter((action) => 'emit' in action)
    expect(sends).toHaveLength(10)
    const channelId = channelIds(race)[0] ?? ''
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair()
    await Promise.all([alice.join(channelId), bob.join(channelId)])
    for (const { emit, event, args } of sends) (emit === 'alice' ? alice : bob).emit(event, ...args)
    const seen = await alice.sawMany('messageBroadcast', 10)
    const texts = seen.map(({ text }) => String(text))
    expect((await bob.sawMany('messageBroadcast', 10)).map(({ text }) => text)).toEqual(texts)
    for (const one of ['a', 'b']) {
      const own = [0, 1, 2, 3, 4].map((n) => `${one}${n}`)
      expect(texts.filter((text) => text.startsWith(one))).toEqual(own)
    }
    const rows = await history(server.url, channelId)
    expect(rows.map(({ content }) => content)).toEqual(texts)
    expect(await participants(server.url, channelId)).toEqual([seen[0]?.senderId])
  })

  it('every deviation names a recording and a step that exist', () => {
    for (const { scenario, step } of DEVIATIONS) {
      expect(loadScenario(scenario).steps.length, scenario).toBeGreaterThan(step)
    }
  })
})

describe('what the real server with a key answered', () => {
  let server: KeyedServer
  beforeAll(async () => {
    server = await startKeyedServer('sockkey')
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('a02: no key, a wrong one, another’s, the right one, no entity, the key as a header', async () => {
    await using replay = new SocketReplay(server.url)
    await replay.run(loadScenario('a02-socket-auth'), [])
  })
})

function channelIds(step: Step | undefined): string[] {
  const payloads = (step?.do ?? []).flatMap((action) => ('emit' in action ? action.args : []))
  return payloads.map((payload) => String(asPayload(payload).channelId))
}
