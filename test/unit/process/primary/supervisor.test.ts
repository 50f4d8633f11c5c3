import { expect, it, vi } from 'vitest'
import { RUNTIME_LIMITS } from '../../../../src/agent/runtime/limits.ts'
import { Supervisor } from '../../../../src/process/primary/supervisor.ts'
import { createLogger } from '../../../../src/telemetry/logger.ts'
import { fakeChild } from './managed-children.ts'

it('a stop during a replacement says nothing of replacements that failed or succeeded', async () => {
  const lines: string[] = []
  const logger = createLogger({
    level: 'info',
    role: 'primary',
    destination: { write: (line) => lines.push(line) },
  })
  let isStarted = false
  const supervisor = new Supervisor({
    counts: { writer: 1, gateway: 2, 'agent-host': 0 },
    // Replacements never get ready; what is ready ends as soon as it is told to.
    spawn: (role) => {
      const { child, end } = fakeChild(role, { isReady: !isStarted })
      const send = child.send.bind(child)
      child.send = (message) => {
        send(message)
        if (message.parley === 'drain') end()
      }
      return child
    },
    drainMs: 1_000,
    logger,
    onChange: () => undefined,
  })
  await supervisor.start()
  isStarted = true
  const reloaded = supervisor.reload()
  await supervisor.stop()
  await reloaded
  expect(supervisor.children).toEqual([])
  const messages = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg)
  expect(messages).toEqual(['replacing gateways and agent hosts'])
})

it('a reload lets the old gateways go together, when every replacement serves', async () => {
  const happened: string[] = []
  let count = 0
  const supervisor = new Supervisor({
    counts: { writer: 1, gateway: 2, 'agent-host': 1 },
    spawn: (role) => {
      const name = `${role} ${(count += 1)}`
      happened.push(`${name} starts`)
      const { child, end } = fakeChild(role)
      child.send = (message) => {
        if (message.parley !== 'drain') return
        happened.push(`${name} goes`)
        end()
      }
      return child
    },
    drainMs: 1_000,
    logger: createLogger({ level: 'fatal', role: 'primary', destination: { write: () => true } }),
    onChange: () => undefined,
  })
  await supervisor.start()
  happened.length = 0
  await supervisor.reload()
  expect(happened).toEqual([
    'gateway 5 starts',
    'gateway 6 starts',
    'gateway 2 goes',
    'gateway 3 goes',
    'agent-host 7 starts',
    'agent-host 4 goes',
  ])
  await supervisor.stop()
})

it('an agent host has the time behind its drain to give up handlers that ignore their signal, and to store how far it came', async () => {
  vi.useFakeTimers()
  try {
    const drainMs = 1_000
    const supervisor = new Supervisor({
      counts: { writer: 1, gateway: 0, 'agent-host': 1 },
      spawn: (role) => {
        const { child, end } = fakeChild(role)
        child.send = ({ parley }) => {
          if (role === 'writer' && parley === 'drain') end()
        }
        return child
      },
      drainMs,
      logger: createLogger({ level: 'fatal', role: 'primary', destination: { write: () => true } }),
      onChange: () => undefined,
    })
    await supervisor.start()
    const stopped = supervisor.stop()
    const hosts = () => supervisor.children.filter(({ role }) => role === 'agent-host').length
    // It may take each of its own graces: for the handlers, for the cursors of those, and for requests.
    await vi.advanceTimersByTimeAsync(drainMs + 3 * RUNTIME_LIMITS.graceMs)
    expect(hosts()).toBe(1)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(hosts()).toBe(0)
    await stopped
  } finally {
    vi.useRealTimers()
  }
})
