import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { isAlive, startServer } from './support/server.ts'
import type { Role, TestServer } from './support/server.ts'

describe('supervision', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_AGENT_HOSTS: '1' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each(['gateway', 'writer', 'agent-host'] satisfies Role[])(
    'replaces a killed %s and leaves the others alone',
    async (role) => {
      const before = await server.processes()
      const killed = await server.kill(role)
      const after = await server.healed([killed])
      expect(after).toHaveLength(before.length)
      const survivors = before.filter(({ pid }) => pid !== killed).map(({ pid }) => pid)
      expect(after.map(({ pid }) => pid)).toEqual(expect.arrayContaining(survivors))
    },
  )

  it('is not ready while the writer is down, and says so', async () => {
    const [writer] = await server.pids('writer')
    process.kill(writer ?? 0, 'SIGKILL')
    const body = await eventually(
      async () => {
        const response = await fetch(`${server.url}/readyz`)
        return response.status === 503 && (await response.text())
      },
      { what: '503 from /readyz' },
    )
    expect(body).toContain('writer')
    await server.healed([writer ?? 0])
  })

  it('replaces a process that does not answer any more', async () => {
    const stuck = await server.kill('agent-host', 'SIGSTOP')
    await server.healed([stuck])
    expect(server.process.line('process is stuck, killing it')).toMatchObject({ childPid: stuck })
    expect(isAlive(stuck)).toBe(false)
  })

  it('lets its processes ignore the signals that a terminal sends to all', async () => {
    const before = await server.processes()
    for (const { role, pid } of before) {
      if (role === 'primary') continue
      process.kill(pid, 'SIGINT')
      process.kill(pid, 'SIGTERM')
    }
    // A round trip to each of them: it answers the primary's question for its numbers.
    const after = await server.processes()
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid))
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })
})

describe('the end of the primary', () => {
  it('takes all processes with it, and a new start works', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2' })
    const pids = (await server.processes()).map(({ pid }) => pid)
    process.kill(server.pid, 'SIGKILL')
    await eventually(() => pids.every((pid) => !isAlive(pid)), {
      what: 'the end of all processes',
      timeoutMs: 5_000,
    })
    await using again = await startServer({ PARLEY_GATEWAYS: '2' }, { dataDir: server.dataDir })
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200)
  })
})

describe('SIGUSR2', () => {
  it('replaces gateways and agent hosts, keeps the writer, and never refuses a connection', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_AGENT_HOSTS: '1' })
    const before = await server.processes()
    const old = before.filter(({ role }) => role === 'gateway' || role === 'agent-host')
    let isRolling = true
    const refusals: unknown[] = []
    const asking = (async () => {
      while (isRolling) {
        // A new connection each time: it must be accepted whatever is being replaced.
        await fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }).catch(
          (error: unknown) => refusals.push(error),
        )
      }
    })()
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged('gateways and agent hosts replaced')
    isRolling = false
    await asking
    expect(refusals).toEqual([])
    const after = await server.healed(old.map(({ pid }) => pid))
    expect(after).toHaveLength(before.length)
    const writers = (list: typeof before) => list.filter(({ role }) => role === 'writer')
    expect(writers(after).map(({ pid }) => pid)).toEqual(writers(before).map(({ pid }) => pid))
  })
})
