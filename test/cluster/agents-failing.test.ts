import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownerSlot } from '../../src/agent/owner-slot.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'

const HOSTS = 3
const SET_ASIDE = 'worker failed: message set aside'
const AGAIN = 'worker failed: message is handed out again'
const STUCK = 'process is stuck, killing it'
const ENDED = 'process ended, restarting it'

/** Echoes, unless it is told to misbehave. */
const module = (name: string): string => `
  export default {
    agent: { name: '${name}' },
    async message(message, env, ctx) {
      if (message.text === 'throw') throw new TypeError('thrown for a test')
      if (message.text === 'once' && !globalThis.thrown) { globalThis.thrown = true; throw 'not an error' }
      if (message.text === 'block') for (;;);
      if (message.text.startsWith('die')) process.kill(process.pid, 'SIGKILL')
      await ctx.reply('heard ' + message.text)
    },
  }`

/** A worker's name with that beginning that is owned by the host with this number. */
function ownedBy(slot: number, beginning: string): string {
  for (let index = 0; ; index += 1) {
    const name = `${beginning}-${index}`
    if (ownerSlot(name, HOSTS) === slot) return name
  }
}

const THROWS = ownedBy(0, 'throws')
const OTHER = ownedBy(0, 'other')
const BLOCKS = ownedBy(1, 'blocks')
const BESIDE = ownedBy(1, 'beside')
const DIES = ownedBy(2, 'dies')

let agents: AgentServer

beforeAll(async () => {
  const names = [THROWS, OTHER, BLOCKS, BESIDE, DIES]
  agents = await startAgents(
    Object.fromEntries(names.map((name) => [`${name}.js`, module(name)])),
    { PARLEY_AGENT_HOSTS: String(HOSTS) },
  )
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

const textsIn = async (channelId: string, worker: string, count: number): Promise<string[]> =>
  (await agents.answers(channelId, worker, count)).map(({ content }) => content)

// All wait for real time to pass.
describe.concurrent('a handler', { timeout: TEST_TIMEOUT_MS }, () => {
  it('that throws is called again after one second and five, then the message is set aside and the channel goes on', async () => {
    const [channelId, elsewhere] = await Promise.all([
      agents.channel('DM', ['jo', agents.agent(THROWS)]),
      agents.channel('GROUP', ['jo', agents.agent(THROWS)]),
    ])
    const jo = await agents.joined('jo', channelId)
    await jo.join(elsewhere)
    await jo.send(channelId, 'before')
    const { messageId } = await jo.send(channelId, 'throw')
    await jo.send(channelId, 'after')
    const again = await agents.logged({ msg: AGAIN, messageId })
    expect(again).toMatchObject({
      agentName: THROWS,
      channelId,
      attempt: 1,
      retryInMs: 1_000,
      reason: 'TypeError: thrown for a test',
    })
    // Meanwhile the agent's other channels are served, also by way of an attempt that failed.
    await jo.send(elsewhere, 'once')
    expect(await textsIn(elsewhere, THROWS, 1)).toEqual(['heard once'])
    expect(agents.lines({ msg: SET_ASIDE, messageId })).toEqual([])

    await jo.saw('messageComplete', { messageId })
    // The line may be on its way from the process still.
    await expect
      .poll(() => agents.lines({ msg: SET_ASIDE, messageId }))
      .toMatchObject([{ attempt: 3 }])
    expect(agents.lines({ msg: AGAIN, messageId }).map(({ retryInMs }) => retryInMs)).toEqual([
      1_000, 5_000,
    ])
    expect(await textsIn(channelId, THROWS, 2)).toEqual(['heard before', 'heard after'])
    // What is asked, and what the only agent says to it.
    const said = await agents.said(channelId)
    for (const { id } of said) await jo.saw('messageComplete', { messageId: id })
    await jo.roundTrip()
    expect(jo.all('messageComplete', { channelId })).toHaveLength(said.length)
  })

  it('that blocks costs its process three times, then the message is set aside and all goes on; other processes do not notice', async () => {
    const [blocked, same, beside, other] = await Promise.all([
      agents.channel('DM', ['kim', agents.agent(BLOCKS)]),
      agents.channel('GROUP', ['kim', agents.agent(BLOCKS)]),
      agents.channel('DM', ['kim', agents.agent(BESIDE)]),
      agents.channel('DM', ['kim', agents.agent(OTHER)]),
    ])
    const kim = await agents.clients.connect({ entityId: 'kim' })
    for (const channelId of [blocked, same, beside, other]) await kim.join(channelId)
    const { messageId } = await kim.send(blocked, 'block')
    for (const channelId of [blocked, same, beside]) await kim.send(channelId, 'after')
    // While one process blocks, agents of the other one answer at once.
    await kim.send(other, 'during')
    expect(await textsIn(other, OTHER, 1)).toEqual(['heard during'])
    expect(agents.lines({ msg: STUCK })).toEqual([])

    const aside = await agents.logged({ msg: SET_ASIDE, messageId }, 90_000)
    expect(aside).toMatchObject({
      agentName: BLOCKS,
      channelId: blocked,
      attempts: 3,
      reason: expect.stringContaining('the process ended each time that the handler ran'),
    })
    expect(agents.lines({ msg: STUCK }).map(({ childRole }) => childRole)).toEqual([
      'agent-host',
      'agent-host',
      'agent-host',
    ])
    expect(await textsIn(blocked, BLOCKS, 1)).toEqual(['heard after'])
    expect(await textsIn(same, BLOCKS, 1)).toEqual(['heard after'])
    expect(await textsIn(beside, BESIDE, 1)).toEqual(['heard after'])
    await kim.send(other, 'behind')
    expect(await textsIn(other, OTHER, 2)).toEqual(['heard during', 'heard behind'])
    for (const channelId of [blocked, same, beside]) {
      expect(await agents.said(channelId)).toHaveLength(channelId === blocked ? 3 : 2)
    }
    // It is behind them: a process that takes the place of this one does not block again.
    const host = (await agents.server.pids('agent-host')).at(-1) ?? 0
    process.kill(host, 'SIGKILL')
    await agents.server.healed([host])
    await kim.send(blocked, 'once more')
    expect(await textsIn(blocked, BLOCKS, 2)).toEqual(['heard after', 'heard once more'])
    expect(agents.lines({ msg: STUCK })).toHaveLength(3)
  })

  it('that ends its process at one message after the other costs three processes for each, and goes on behind them', async () => {
    const channelId = await agents.channel('DM', ['lea', agents.agent(DIES)])
    for (const text of ['one', 'die', 'die too', 'two']) await agents.post(channelId, 'lea', text)
    expect(await textsIn(channelId, DIES, 2)).toEqual(['heard one', 'heard two'])
    const stuck = new Set(agents.lines({ msg: STUCK }).map(({ childPid }) => childPid))
    const ended = agents.lines({ msg: ENDED }).filter(({ childPid }) => !stuck.has(childPid))
    expect(ended).toHaveLength(6)
    const aside = agents.lines({ msg: SET_ASIDE, agentName: DIES })
    expect(new Set(aside.map(({ messageId }) => messageId)).size).toBe(2)
    expect(new Set(aside.map(({ attempts }) => attempts))).toEqual(new Set([3]))
  })
})
