import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { isAlive, ServerProcess, startServer, TestServer } from './support/server.ts'
import { temporaryDataDir } from './support/run.ts'
import { workerFolder, workersAt } from './support/worker-folder.ts'
import type { WorkerFolder } from './support/worker-folder.ts'

const REPLACED = 'gateways and agent hosts replaced'

/** Says which version it is; `/hold` answers with the version that began, when somebody asked for `/go`. */
const versioned = (version: string): string => `
  export default {
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname.endsWith('/hold')) { console.log('holding ${version}'); await new Promise((resolve) => setTimeout(resolve, 1_500)) }
      if (pathname.endsWith('/block')) for (;;);
      return new Response('${version} ' + process.pid)
    },
  }`

const openFolder = (): Promise<WorkerFolder> =>
  workerFolder({ 'one.js': versioned('v1'), 'other.js': versioned('o1') })

async function said(url: string, worker = 'one', rest = ''): Promise<string> {
  const answer = await fetch(`${url}/workers/${worker}/${rest}`)
  return answer.status === 200 ? answer.text() : `${answer.status}`
}

/** Asks a worker without a pause, over several connections, until it is told to stop. */
class Asking {
  readonly #answers: string[] = []
  readonly #askers: readonly Promise<void>[]
  #isDone = false

  constructor(url: string) {
    this.#askers = Array.from({ length: 8 }, () => this.#ask(url))
  }

  /** What was answered, refusals as their status. */
  async finish(): Promise<readonly string[]> {
    this.#isDone = true
    await Promise.all(this.#askers)
    return this.#answers
  }

  async #ask(url: string): Promise<void> {
    while (!this.#isDone) this.#answers.push(await said(url).catch(String))
  }
}

const problemOf = async (url: string, file: string): Promise<string | undefined> =>
  (await workersAt(url)).find((row) => row.file === file)?.problem

// Each waits for real time to pass, in a server of its own.
describe.concurrent('a new version of a worker', { timeout: TEST_TIMEOUT_MS }, () => {
  it('is loaded by SIGUSR2, and no request fails', async () => {
    await using folder = await openFolder()
    await using server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '2',
      PARLEY_AGENT_HOSTS: '2',
    })
    const asking = new Asking(server.url)
    await folder.write({ 'one.js': versioned('v2'), 'added.js': versioned('new') })
    await folder.remove('other.js')
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged(REPLACED)
    // The old version or the new one while one takes the place of the other, and never a refusal.
    expect((await asking.finish()).filter((answer) => !/^v[12] /.test(answer))).toEqual([])
    expect(await said(server.url)).toMatch(/^v2 /)
    expect([await said(server.url, 'added'), await said(server.url, 'other')]).toEqual([
      expect.stringMatching(/^new /),
      '404',
    ])

    // A version that blocks its import keeps no other from being replaced, and comes back when it is mended.
    await folder.write({ 'one.js': 'for (;;);', 'added.js': versioned('newer') })
    process.kill(server.pid, 'SIGUSR2')
    await eventually(async () => (await said(server.url, 'added')).startsWith('newer'), {
      what: 'the new version of the other worker',
      timeoutMs: 60_000,
    })
    expect(await problemOf(server.url, 'one.js')).toContain('did not go on')
    await eventually(() => server.lines.filter(({ msg }) => msg === REPLACED).length === 2, {
      what: 'the end of the reload',
    })
    expect(await said(server.url)).toBe('404')
    await folder.write({ 'one.js': versioned('v3') })
    process.kill(server.pid, 'SIGUSR2')
    await eventually(async () => (await said(server.url)).startsWith('v3'), { what: 'version 3' })
  })

  it('is loaded by its being written, with the dev command, while what is under way finishes on the old one', async () => {
    await using folder = await openFolder()
    await using data = await temporaryDataDir()
    const started = new ServerProcess(
      {
        PARLEY_WORKERS_DIR: path.join(folder.path, 'created'),
        PARLEY_DATA_DIR: data.path,
        PARLEY_GATEWAYS: '1',
      },
      { args: ['dev'] },
    )
    const { url } = await started.logged('listening')
    await using server = await new TestServer(started, {
      url: String(url),
      dataDir: data.path,
      isTemporary: false,
      headers: {},
    }).open()
    const gateways = await server.pids('gateway')
    await folder.write({ 'created/one.js': versioned('v1') })
    await eventually(async () => (await said(server.url)).startsWith('v1'), { what: 'version 1' })
    const held = said(server.url, 'one', 'hold')
    await server.process.logged('holding v1')
    const asking = new Asking(server.url)
    for (const version of ['v2', 'v3', 'v4']) {
      await folder.write({ 'created/one.js': versioned(version) })
      await eventually(async () => (await said(server.url)).startsWith(version), { what: version })
    }
    expect((await asking.finish()).filter((answer) => !/^v\d /.test(answer))).toEqual([])
    expect(await held).toMatch(/^v1 /)
    await folder.write({ 'created/lib/word.ts': `export const word: string = 'helped'` })
    await folder.write({
      'created/one.js': `import { word } from './lib/word.ts'\nexport default { fetch: () => new Response(word) }`,
    })
    await eventually(async () => (await said(server.url)) === 'helped', { what: 'the helper' })
    await folder.write({ 'created/lib/word.ts': `export const word: string = 'changed'` })
    await eventually(async () => (await said(server.url)) === 'changed', {
      what: 'the changed helper',
    })
    expect(await server.pids('gateway')).toEqual(gateways)
    expect((await server.stop()).code).toBe(0)
  })
})

describe.concurrent('a worker that blocks its process', { timeout: TEST_TIMEOUT_MS }, () => {
  it('is ended with it after ten seconds, while others are answered by the other process', async () => {
    await using folder = await openFolder()
    await using server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '1',
      PARLEY_AGENT_HOSTS: '2',
    })
    const blocked = fetch(`${server.url}/workers/one/block`)
    const [pidOfOther = ''] = (
      await eventually(
        async () => {
          const answer = await fetch(`${server.url}/workers/other/`, {
            signal: AbortSignal.timeout(500),
          })
          return answer.text()
        },
        { what: 'an answer of the process that is not blocked' },
      )
    )
      .split(' ')
      .slice(1)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect((await blocked).status).toBe(502)
    const stuck = server.process.line('process is stuck, killing it')
    expect(stuck).toMatchObject({ childRole: 'agent-host' })
    expect(String(stuck?.childPid)).not.toBe(pidOfOther)
    await server.healed([Number(stuck?.childPid)])
    expect(await said(server.url, 'one')).toMatch(/^v1 /)
  })

  it('ends with a primary that is killed, of which it cannot hear', async () => {
    await using folder = await openFolder()
    const server = await startServer({ PARLEY_WORKERS_DIR: folder.path, PARLEY_GATEWAYS: '1' })
    const [host = 0] = await server.pids('agent-host')
    const blocked = fetch(`${server.url}/workers/one/block`).catch(String)
    // Behind the one that blocks, so that the process has begun with that.
    await expect(
      fetch(`${server.url}/workers/one/`, { signal: AbortSignal.timeout(500) }),
    ).rejects.toThrow('timeout')
    // Waits for the end of all processes.
    await server[Symbol.asyncDispose]()
    await blocked
    expect(isAlive(host)).toBe(false)
  })

  it('by being imported keeps neither the server from starting nor the others from serving', async () => {
    await using folder = await openFolder()
    await folder.write({ 'blocks.js': 'for (;;);' })
    await using server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '1',
    })
    await eventually(async () => (await said(server.url)).startsWith('v1'), {
      what: 'the other workers',
      timeoutMs: 40_000,
    })
    expect(await problemOf(server.url, 'blocks.js')).toContain('did not go on')
  })
})
