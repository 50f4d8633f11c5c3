import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownerSlot } from '../../src/agent/owner-slot.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { restData } from './support/rest.ts'

const HOSTS = 2
const HEAP_MB = 96

/** Echoes, unless it is told to take all memory, or to leave a timer behind that throws. */
const module = (name: string): string => `
  const kept = []
  export default {
    agent: { name: '${name}' },
    async message(message, env, ctx) {
      if (message.text === 'allocate') for (;;) kept.push(new Array(100_000).fill(message))
      if (message.text === 'leak') {
        const timer = setInterval(() => { throw new Error('from a leaked timer') }, 20)
        setTimeout(() => clearInterval(timer), 500)
        setTimeout(() => ctx.reply('too late'), 50)
      }
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

const HUNGRY = ownedBy(0, 'hungry')
const BESIDE = ownedBy(0, 'beside')
const OTHER = ownedBy(1, 'other')

let agents: AgentServer

beforeAll(async () => {
  const names = [HUNGRY, BESIDE, OTHER]
  agents = await startAgents(
    Object.fromEntries(names.map((name) => [`${name}.js`, module(name)])),
    {
      PARLEY_AGENT_HOSTS: String(HOSTS),
      // What an operator sets who does not want to wait for all of the machine's memory.
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
    },
  )
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

interface Failures {
  readonly failures: readonly { readonly messageId: string }[]
}

const textsIn = async (channelId: string, worker: string, count: number): Promise<string[]> =>
  (await agents.answers(channelId, worker, count)).map(({ content }) => content)

describe('a worker', { timeout: TEST_TIMEOUT_MS }, () => {
  it('that allocates without end costs its process three times, then its message is set aside; the others answer', async () => {
    const [hungry, beside, other] = await Promise.all([
      agents.channel('DM', ['kim', agents.agent(HUNGRY)]),
      agents.channel('DM', ['kim', agents.agent(BESIDE)]),
      agents.channel('DM', ['kim', agents.agent(OTHER)]),
    ])
    const kim = await agents.joined('kim', hungry)
    const { messageId } = await kim.send(hungry, 'allocate')
    await kim.send(hungry, 'after')
    await agents.post(beside, 'kim', 'beside')
    await agents.post(other, 'kim', 'other')
    expect(await textsIn(other, OTHER, 1)).toEqual(['heard other'])
    const aside = await agents.logged(
      { msg: 'worker failed: message set aside', messageId },
      90_000,
    )
    expect(aside).toMatchObject({
      agentName: HUNGRY,
      attempts: 3,
      reason: 'the process ended each time that the handler ran',
    })
    expect(await textsIn(hungry, HUNGRY, 1)).toEqual(['heard after'])
    expect(await textsIn(beside, BESIDE, 1)).toEqual(['heard beside'])
    const path = `/api/workers/${HUNGRY}/failures`
    const failures = await eventually(
      async () => {
        const list = await restData<Failures>(agents.server.url, { path })
        return list.failures.length > 0 && list.failures
      },
      { what: 'the failure to be stored' },
    )
    expect(failures.map((failure) => failure.messageId)).toEqual([messageId])
    const ended = agents.lines({ msg: 'process ended, restarting it' })
    expect(ended.map(({ childRole }) => childRole)).toEqual(Array(3).fill('agent-host'))
  })

  it('that leaks a timer which throws, or speaks behind the end, ends nothing and says nothing', async () => {
    const channelId = await agents.channel('DM', ['lea', agents.agent(OTHER)])
    const hosts = await agents.server.pids('agent-host')
    await agents.post(channelId, 'lea', 'leak')
    const thrown = { msg: 'worker threw where nobody catches it', agentName: OTHER }
    await agents.logged(thrown)
    await agents.post(channelId, 'lea', 'after')
    expect(await textsIn(channelId, OTHER, 2)).toEqual(['heard leak', 'heard after'])
    const reasons = (): string[] => agents.lines(thrown).map(({ err }) => JSON.stringify(err))
    await expect
      .poll(() => reasons().filter((reason) => reason.includes('this work is over')).length)
      .toBe(1)
    expect(reasons()[0]).toContain('from a leaked timer')
    expect(await agents.server.pids('agent-host')).toEqual(hosts)
    expect(await agents.said(channelId)).toHaveLength(4)
  })
})
