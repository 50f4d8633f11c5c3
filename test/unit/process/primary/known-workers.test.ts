import { expect, it } from 'vitest'
import { KnownWorkers } from '../../../../src/process/primary/known-workers.ts'
import type { Supervisor } from '../../../../src/process/primary/supervisor.ts'
import type { WorkerInfo } from '../../../../src/service/cluster.ts'

type Children = Pick<Supervisor, 'children'>

const worker = (name: string): WorkerInfo => ({ name, file: name, agent: null, handlers: [] })

/** As much of processes as is looked at. */
const children = (...list: readonly object[]): Children =>
  JSON.parse(JSON.stringify({ children: list }))

const host = (isReady: boolean, ...names: readonly string[]) => ({
  role: 'agent-host',
  isReady,
  workers: names.map(worker),
})

it('the workers are those of the host that came last, and stay while none is ready', () => {
  const known = new KnownWorkers()
  const names = () => known.list.map(({ name }) => name)
  known.look(children({ role: 'gateway', isReady: true }, host(false, 'early')))
  expect(names()).toEqual([])
  known.look(children(host(true, 'old'), host(true, 'new')))
  expect(names()).toEqual(['new'])
  known.look(children())
  known.look(children(host(false)))
  expect(names()).toEqual(['new'])
  known.look(children(host(true)))
  expect(names()).toEqual([])
})
