import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownerSlot } from '../../src/agent/owner-slot.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { restData } from './support/rest.ts'
import { isAlive } from './support/server.ts'

const HOSTS = 2
const HEAP_MB = 96
/** Of a host, buffers and all else included. */
const MOST_BYTES = (2 * HEAP_MB + 256) * 1024 * 1024

/**
 * Echoes, unless it is told to take all memory, in the heap or out of it, to leave timers behind, one that throws, or
 * not to end, as it does the first time.
 */
const module = (name: string): string => `
  const kept = []
  export default {
    agent: { name: '${name}' },
    async message(message, env, ctx) {
      if (message.text === 'allocate') for (;;) kept.push(new Array(100_000).fill(message))
      if (message.text === 'buffers') for (;;) kept.push(Buffer.alloc(1_000_000, 1))
      if (message.text === 'leak') {
        setInterval(() => kept.push('for ever'), 1_000)
        const timer = setInterval(() => { throw new Error('from a leaked timer') }, 20)
        setTimeout(() => clearInterval(timer), 500)
        setTimeout(() => ctx.reply('too late'), 50)
      }
      if (message.text === 'ignore') {
        const { isDuplicate } = await ctx.reply('does not listen')
        if (!isDuplicate) await new Promise(() => {})
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
      PARLEY_AGENT_HEAP_MB: String(HEAP_MB),
      PARLEY_DRAIN_MS: '1000',
    },
  )
})

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
})

const ENDED = { msg: 'process ended, restarting it' }

interface Failures {
  readonly failures: readonly { readonly messageId: string }[]
}

const textsIn = async (channelId: string, worker: string, count: number): Promise<string[]> =>
  (await agents.answers(channelId, worker, count)).map(({ content }) => content)

describe('a worker', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    ['allocate', 'in its heap', 'JavaScript heap out of memory'],
    ['buffers', 'in buffers outside of it', `${MOST_BYTES} bytes of memory`],
  ])(
    'that does without end: %s, %s, costs its process three times, then its message is set aside; all others go on',
    async (act, _where, words) => {
      const endedBefore = agents.lines(ENDED).length
      const [hungry, beside, other] = await Promise.all([
        agents.channel('DM', ['kim', agents.agent(HUNGRY)]),
        agents.channel('DM', ['kim', agents.agent(BESIDE)]),
        agents.channel('DM', ['kim', agents.agent(OTHER)]),
      ])
      const kim = await agents.joined('kim', hungry)
      const bystander = await agents.joined('lou', await agents.channel('GROUP', ['lou']))
      const sessions = [kim, bystander].map(({ socket }) => socket.id)
      const { messageId } = await kim.send(hungry, act)
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
        reason: expect.stringContaining('the process ended each time that the handler ran'),
      })
      expect(await textsIn(hungry, HUNGRY, 1)).toEqual(['heard after'])
      expect(await textsIn(beside, BESIDE, 1)).toEqual(['heard beside'])
      const path = `/api/workers/${HUNGRY}/failures`
      await eventually(
        async () => {
          const { failures } = await restData<Failures>(agents.server.url, { path })
          return failures.some((failure) => failure.messageId === messageId)
        },
        { what: 'the failure to be stored' },
      )
      // It ends of its own, long before it would be taken for stuck, and nobody else does.
      expect(agents.lines(ENDED).slice(endedBefore)).toMatchObject(
        Array.from({ length: 3 }, () => ({
          childRole: 'agent-host',
          signal: 'SIGABRT',
          hint: expect.stringContaining('PARLEY_AGENT_HEAP_MB'),
        })),
      )
      expect(agents.lines({ msg: 'process is stuck, killing it' })).toEqual([])
      expect(agents.server.process.stderr.split(words)).toHaveLength(1 + 3)
      await bystander.roundTrip()
      expect([kim, bystander].map(({ socket }) => socket.id)).toEqual(sessions)
    },
  )

  it('that leaks timers, one of which throws, and one speaks behind the end, ends nothing, says nothing, and ends with its process', async () => {
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
    // What it has left behind keeps no process alive that is to end.
    process.kill(agents.server.pid, 'SIGUSR2')
    await agents.logged({ msg: 'gateways and agent hosts replaced' })
    expect(hosts.filter((pid) => isAlive(pid))).toEqual([])
    expect(agents.lines({ msg: 'process did not finish, killing it' })).toEqual([])
  })

  it('that ignores its signal is left behind in a reload, and its process ends in order: nobody is blamed for it', async () => {
    const channelId = await agents.channel('DM', ['moe', agents.agent(BESIDE)])
    const moe = await agents.joined('moe', channelId)
    const { messageId } = await moe.send(channelId, 'ignore')
    expect(await textsIn(channelId, BESIDE, 1)).toEqual(['does not listen'])
    const hosts = await agents.server.pids('agent-host')
    process.kill(agents.server.pid, 'SIGUSR2')
    expect(await textsIn(channelId, BESIDE, 2)).toEqual(['does not listen', 'heard ignore'])
    await expect.poll(() => hosts.filter((pid) => isAlive(pid)), { timeout: 30_000 }).toEqual([])
    expect(agents.lines({ msg: 'process did not finish, killing it' })).toEqual([])
    const blamed = { msg: 'the process ended while the handler was at this message', messageId }
    expect(agents.lines(blamed)).toEqual([])
  })
})
