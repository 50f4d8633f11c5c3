import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { ManagedChild } from '../../../../src/process/primary/managed-child.ts'
import type { ChildRole } from '../../../../src/process/roles.ts'

export interface FakeChild {
  readonly child: ManagedChild
  readonly sent: unknown[]
  /** How often somebody began to wait for its end: what such a wait holds stays until then. */
  readonly waits: () => number
  readonly end: () => void
}

/** A ready child without a process behind it. `kill` ends it. */
export function fakeChild(role: ChildRole, { isReady = true } = {}): FakeChild {
  const sent: unknown[] = []
  const end = (): void => {
    process.emit('exit', null, 'SIGKILL')
  }
  const process = Object.assign(new EventEmitter(), {
    pid: 1,
    connected: true,
    kill: end,
    send: (message: unknown, ...rest: readonly unknown[]) => {
      sent.push(message)
      const done = rest.at(-1)
      if (typeof done === 'function') done()
    },
  })
  const child = new ManagedChild({
    role,
    id: 'child',
    process: process as unknown as ChildProcess,
    onMessage: () => undefined,
  })
  let waits = 0
  const { exited } = child
  Object.defineProperty(child, 'exited', {
    get: () => {
      waits += 1
      return exited
    },
  })
  if (isReady) process.emit('message', { parley: 'ready' })
  return { child, sent, waits: () => waits, end }
}
