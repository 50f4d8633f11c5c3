import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringToUuid } from '@elizaos/core'
import type { UUID } from '@elizaos/core'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { PATIENTLY } from '../compat/support/client.ts'
import { rest } from '../cluster/support/rest.ts'
import { workerFolder, workersAt } from '../cluster/support/worker-folder.ts'
import type { WorkerFolder } from '../cluster/support/worker-folder.ts'
import { startWorld } from './support/eliza-world.ts'
import type { ElizaWorld } from './support/eliza-world.ts'
import { answering, createRuntime } from './support/runtimes.ts'
import type { TestRuntime } from './support/runtimes.ts'

/** Nobody is called there. */
const NOWHERE = 'https://agent.example/hook'
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

const asUuid = (name: string): UUID => agentIdOf(name) as UUID

/** Says its name to everything. */
const speaker = (name: string, id: UUID = stringToUuid(name), word = name): Promise<TestRuntime> =>
  createRuntime({
    name,
    id,
    plugin: answering(
      async (text, { callback }) => {
        await callback?.({ text: `${word} heard ${text}` })
      },
      ({ roomId }) => {
        joins.push(`${name} ${roomId}`)
      },
    ),
  })

const joins: string[] = []
let folder: WorkerFolder
let world: ElizaWorld
let ada: TestRuntime

beforeAll(async () => {
  folder = await workerFolder({
    'ada.js': "export default { agent: { name: 'Module' }, message() {} }",
  })
  world = await startWorld({
    PARLEY_AGENT_HOSTS: '1',
    PARLEY_WORKERS_DIR: folder.path,
    PARLEY_AGENTS: JSON.stringify([{ name: 'Fixed', url: NOWHERE, secret: SECRET }]),
  })
  ada = await speaker('Ada')
  await world.server.registerAgent(ada.runtime)
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const post = (path: string, body?: object) =>
  rest(world.url, { method: 'POST', path, ...(body && { body }) })

describe('a runtime among the other agents of a server', () => {
  it('has a name of its own, and no file', async () => {
    const workers = await workersAt(world.url)
    expect(workers.map(({ name, file, agent }) => [name, file, agent?.name])).toEqual([
      ['ada', 'ada.js', 'Module'],
      [ada.runtime.agentId, null, 'Ada'],
    ])
  })

  it.each([
    ['Module', 'is one of the workers folder already'],
    ['Fixed', 'is called over HTTP already'],
    ['Added', 'is called over HTTP already'],
  ])('is refused where it has the id of %s', async (name, refusal) => {
    if (name === 'Added') {
      const added = await post('/api/agents', { name, url: NOWHERE, secret: SECRET })
      expect(added.status).toBe(201)
    }
    const { runtime } = await speaker('Double', asUuid(name))
    await expect(world.server.registerAgent(runtime)).rejects.toThrow(
      `the agent Double (${asUuid(name)}) ${refusal}`,
    )
    expect([...world.server.agents.values()]).toEqual([ada.runtime])
  })

  it('keeps its id from agents that are added', async () => {
    const body = { id: ada.runtime.agentId, name: 'Other', url: NOWHERE, secret: SECRET }
    expect(JSON.parse((await post('/api/agents', body)).text)).toMatchObject({
      error: { code: 'AGENT_EXISTS' },
    })
  })

  it('is changed in its program only', async () => {
    for (const method of ['PATCH', 'DELETE'] as const) {
      const path = `/api/agents/${ada.runtime.agentId}`
      const body = method === 'PATCH' ? { body: { name: 'Other' } } : {}
      const { status, text } = await rest(world.url, { method, path, ...body })
      expect([status, text]).toEqual([409, expect.stringContaining('is an elizaOS runtime')])
    }
  })

  it('is silent while it is stopped over REST, and answers what is said after its start', async () => {
    const { agentId } = ada.runtime
    const before = await world.asked(agentId, 'one')
    const { ann, channelId } = before
    const ask = async (text: string) => {
      const { messageId } = await ann.send(channelId, text)
      await ann.saw('messageComplete', { messageId })
    }
    const stopped = await post(`/api/agents/${agentId}/stop`)
    expect([stopped.status, stopped.text]).toEqual([200, expect.stringContaining('"inactive"')])
    await ask('two')
    // Also when it comes again.
    await world.server.unregisterAgent(agentId)
    await world.server.registerAgent(ada.runtime)
    await ask('three')
    expect((await post(`/api/agents/${agentId}/start`)).status).toBe(200)
    await ask('four')
    const said = await world.said(channelId)
    expect(said.map(({ content }) => content)).toEqual([
      'one',
      'Ada heard one',
      'two',
      'three',
      'four',
      'Ada heard four',
    ])
  })

  it('hears of no joins while it is stopped', async () => {
    const eve = await speaker('Eve')
    await world.server.registerAgent(eve.runtime)
    const { agentId } = ada.runtime
    const channelId = await world.channel('GROUP', [agentId, eve.runtime.agentId])
    const heardBy = (name: string) => joins.filter((join) => join === `${name} ${channelId}`).length
    /** What Ada has heard of when Eve hears of one more: they are told together. */
    const heardOfOneMore = async () => {
      const before = { ada: heardBy('Ada'), eve: heardBy('Eve') }
      await world.joined('ann', channelId)
      await expect.poll(() => heardBy('Eve'), PATIENTLY).toBe(before.eve + 1)
      return heardBy('Ada') - before.ada
    }
    await post(`/api/agents/${agentId}/stop`)
    await expect.poll(heardOfOneMore, PATIENTLY).toBe(0)
    await post(`/api/agents/${agentId}/start`)
    await expect.poll(heardOfOneMore, PATIENTLY).toBe(1)
    await world.server.unregisterAgent(eve.runtime.agentId)
  })

  it('makes way for another one of its id', async () => {
    const { agentId } = ada.runtime
    const { ann, channelId } = await world.asked(agentId, 'one')
    const other = await speaker('Ada', agentId, 'Other')
    await world.server.registerAgent(other.runtime)
    const { messageId } = await ann.send(channelId, 'two')
    await ann.saw('messageComplete', { messageId })
    expect(ann.all('messageBroadcast', { inReplyTo: messageId })).toMatchObject([
      { text: 'Other heard two' },
    ])
    // The first one is not the one that is registered any more.
    await world.server.registerAgent(ada.runtime)
    expect([...world.server.agents.values()]).toEqual([ada.runtime])
  })
})
