import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { AgentWorker } from '../../../../src/agent/runtime/agent-worker.ts'
import type { StoredAgent } from '../../../../src/log/agents.ts'
import { OwnAgents } from '../../../../src/process/child/own-agents.ts'
import { RegistryWatch } from '../../../../src/process/child/registry-watch.ts'
import { agentIdOf } from '../../../../src/service/agent-id.ts'
import { createLogger } from '../../../../src/telemetry/logger.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'

const logger = createLogger({ level: 'silent', role: 'agent-host' })
const definition = { name: 'Hook', url: 'https://a.example/', secret: 'whsec_x' }

const worker = (id: string): AgentWorker => ({
  agent: { id, name: id },
  module: {},
  handlers: [],
  env: {},
  logger,
})

const stored = (id: string, revision: string, isStopped = false): StoredAgent => ({
  id,
  definition,
  isStopped,
  revision,
})

const idsOf = (workers: readonly AgentWorker[]) => workers.map(({ agent }) => agent.id)

it('a process runs its modules and its part of the agents over HTTP, and none that is stopped', async () => {
  let list: readonly StoredAgent[] = []
  const [mine, other] = [worker('mine'), worker('other')]
  const own = new OwnAgents({
    log: { agents: async () => list },
    modules: [mine, other],
    taken: new Set(['mine', 'other', 'elsewhere']),
    fixed: [{ ...definition, name: 'Fixed' }],
    isOwn: (id) => !id.startsWith('not-mine'),
    createWorker: ({ id }) => worker(id),
  })
  const fixed = agentIdOf('Fixed')
  expect(idsOf(await own.read())).toEqual(['mine', 'other', fixed])
  list = [
    stored('a', '1'),
    stored('not-mine', '1'),
    stored('stopped', '1', true),
    // A module has its id, here or in another process, or the settings do.
    stored('elsewhere', '1'),
    stored(fixed, '1'),
    { id: 'other', isStopped: true, revision: '1' },
  ]
  const [first, second, third] = await own.read()
  expect([first, second?.agent.id, third?.agent.id]).toEqual([mine, fixed, 'a'])
  // What has not changed is the same object.
  expect(await own.read()).toEqual([first, second, third])
  const again = await own.read()
  expect([again[0] === first, again[1] === second, again[2] === third]).toEqual([true, true, true])
  list = [stored('a', '2'), { id: fixed, isStopped: true, revision: '1' }]
  const changed = await own.read()
  expect(idsOf(changed)).toEqual(['mine', 'other', 'a'])
  expect(changed[2]).not.toBe(third)
})

it('what is known of agents is read again for whatever happened during a read, and tried again', async () => {
  const reads: ReturnType<typeof createDeferred<number>>[] = []
  const seen: number[] = []
  const watch = new RegistryWatch({
    read: () => {
      const read = createDeferred<number>()
      reads.push(read)
      return read.promise
    },
    onRead: (value) => {
      seen.push(value)
    },
    logger,
  })
  // Nothing is read before it is wanted.
  watch.wake()
  expect(reads).toHaveLength(0)
  watch.start()
  watch.wake()
  watch.wake()
  reads[0]?.resolve(1)
  await nextTurn()
  expect([seen, reads.length]).toEqual([[1], 2])
  reads[1]?.reject(new Error('busy'))
  await nextTurn()
  watch.wake()
  reads[2]?.resolve(3)
  await nextTurn()
  expect([seen, reads.length]).toEqual([[1, 3], 3])
  watch.wake()
  watch.stop()
  reads[3]?.resolve(4)
  await nextTurn()
  watch.start()
  watch.wake()
  expect([seen, reads.length]).toEqual([[1, 3], 4])
})
