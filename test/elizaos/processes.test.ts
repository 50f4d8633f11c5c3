import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text as wordsOf } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ElizaRuntime } from '../../src/index.ts'
import { closeCode } from '../compat/support/close-code.ts'
import { eventually } from '../cluster/support/eventually.ts'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import { isAlive, processesAt } from '../cluster/support/server.ts'
import type { ProcessInfo } from '../cluster/support/server.ts'
import {
  importPackage,
  INDEX,
  SETTINGS,
  startWorld,
  temporaryData,
  Visitors,
} from './support/eliza-world.ts'
import type { Said } from './support/eliza-world.ts'
import { answering, createRuntime } from './support/runtimes.ts'

const USER_PROCESS = path.join(import.meta.dirname, 'support', 'user-process.mjs')

let dataDir: string

beforeAll(async () => {
  dataDir = await temporaryData()
})

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true })
})

/** A user's program with a runtime in it, and the server that it started. */
class UserProcess extends Visitors {
  readonly agentId: string
  readonly child: ChildProcess
  readonly processes: readonly ProcessInfo[]

  constructor(
    child: ChildProcess,
    told: { url: string; agentId: string },
    processes: readonly ProcessInfo[],
  ) {
    super(told.url)
    this.child = child
    this.agentId = told.agentId
    this.processes = processes
  }

  static async start(): Promise<UserProcess> {
    const child = fork(USER_PROCESS, [INDEX, dataDir], {
      execArgv: [],
      detached: true,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    const [told]: { url: string; agentId: string }[] = await once(child, 'message', {
      signal: AbortSignal.timeout(30_000),
    })
    if (told === undefined) throw new Error('it told nothing')
    return new UserProcess(child, told, await processesAt(told.url))
  }

  get primaryPid(): number {
    return this.processes.find(({ role }) => role === 'primary')?.pid ?? 0
  }

  /** Ends it and all of its group, as a terminal does, and waits for the end of everything that it started. */
  async end(signal: NodeJS.Signals): Promise<readonly unknown[]> {
    const exit = once(this.child, 'exit')
    // Not by the child's own `kill`, which is for it alone.
    process.kill(-(this.child.pid ?? 0), signal)
    const how = await exit
    const isGone = () => !this.processes.some(({ pid }) => isAlive(pid))
    await eventually(isGone, { what: 'the end of the server' })
    return how
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL')
  }
}

/** Says nothing to anybody. */
const NOBODY: ElizaRuntime = {
  agentId: '550e8400-e29b-41d4-a716-446655440001',
  character: { name: 'Nobody' },
  emitEvent: async () => undefined,
}

const isThrough = (said: readonly Said[]): boolean =>
  said.some(({ content }) => content === 'then wait')

describe('a program that runs a server for its runtime', { timeout: 120_000 }, () => {
  it('answers what it was killed at when it runs again, and says nothing twice', async () => {
    const channelId = await (async () => {
      await using user = await UserProcess.start()
      const id = await user.channel('DM', ['ann', user.agentId])
      const ann = await user.joined('ann', id)
      await ann.send(id, 'hello')
      await ann.saw('messageBroadcast', { text: 'then hello' })
      await ann.send(id, 'wait')
      await ann.saw('messageBroadcast', { text: 'first wait' })
      // The server goes with it: it is no orphan.
      expect(await user.end('SIGKILL')).toEqual([null, 'SIGKILL'])
      return id
    })()

    await using user = await UserProcess.start()
    const ann = await user.joined('ann', channelId)
    await eventually(() => user.child.send('go on') && user.said(channelId).then(isThrough), {
      what: 'the second half of the answer',
    })
    const { messageId } = await ann.send(channelId, 'later')
    await ann.saw('messageComplete', { messageId })
    const said = await user.said(channelId)
    expect(said.map(({ content }) => content)).toEqual([
      'hello',
      'first hello',
      'then hello',
      'wait',
      'first wait',
      'then wait',
      'later',
      'first later',
      'then later',
    ])
    // As its program asks it to, everything ends by itself: also where a process manager asks everybody.
    process.kill(user.primaryPid, 'SIGTERM')
    expect(await user.end('SIGTERM')).toEqual([0, null])
  })

  it('ends with its server when its terminal closes, and the server takes its leave', async () => {
    await using user = await UserProcess.start()
    const ann = await user.clients.connect({ entityId: 'ann' })
    const code = closeCode(ann.socket)
    expect(await user.end('SIGHUP')).toEqual([null, 'SIGHUP'])
    // Closed with a word, which a server that the terminal had ended with its program would not say.
    expect(await code).toBe(CLOSE_CODES.GATEWAY_DRAINING)
  })

  it('ends with the reason when its server does, unless it looks at that', async () => {
    await using user = await UserProcess.start()
    const { child } = user
    if (child.stderr === null) throw new Error('it has no standard error')
    const end = Promise.all([wordsOf(child.stderr), once(child, 'exit')])
    process.kill(user.primaryPid, 'SIGKILL')
    const [words, how] = await end
    expect(words).toContain('Error: the server ended (SIGKILL)')
    expect(how).toEqual([1, null])
  })
})

describe('an AgentServer', () => {
  it('answers on when processes of the server are killed', async () => {
    await using world = await startWorld()
    const { runtime } = await createRuntime({
      name: 'Ada',
      plugin: answering(async (text, { callback }) => {
        await callback?.({ text: `heard ${text}` })
      }),
    })
    await world.server.registerAgent(runtime)
    const { ann, channelId } = await world.asked(runtime.agentId, 'one')
    for (const { role, pid } of await processesAt(world.url)) {
      if (role !== 'primary') process.kill(pid, 'SIGKILL')
    }
    // By itself, to a new gateway.
    await ann.sawMany('connection_established', 2)
    await ann.join(channelId)
    const { messageId } = await ann.send(channelId, 'two')
    await ann.saw('messageBroadcast', { inReplyTo: messageId, text: 'heard two' })
  })

  it('tells whoever waits for its end that the server ended by itself, and starts again', async () => {
    await using world = await startWorld()
    const { ended } = world.server
    const processes = await processesAt(world.url)
    const primary = processes.find(({ role }) => role === 'primary')
    process.kill(primary?.pid ?? 0, 'SIGKILL')
    await expect(ended).rejects.toThrow('the server ended (SIGKILL)')
    expect(world.server.url).toBeUndefined()
    await world.server.start(0)
    expect((await fetch(`${world.server.url}/healthz`)).status).toBe(200)
  })

  it('says why it cannot start, starts when it can, and again after a stop', async () => {
    const { AgentServer } = await importPackage()
    const server = new AgentServer()
    // There is nothing to stop.
    await server.stop()
    await expect(
      server.initialize({ settings: { PARLEY_GATEWAYS: 'many', PARLEY_DRAIN_MS: '-1' } }),
    ).rejects.toThrow(/PARLEY_GATEWAYS[^]*PARLEY_DRAIN_MS/)
    const data = await temporaryData()
    const file = path.join(data, 'file')
    await writeFile(file, '')
    await server.initialize({ dataDir: file, settings: SETTINGS })
    const refused = server.start(0)
    // Nobody stops what does not start, and who registers meanwhile does so for the next start.
    const meanwhile = Promise.all([server.stop(), server.registerAgent(NOBODY)])
    await expect(refused).rejects.toThrow(/cannot start: PARLEY_DATA_DIR.* it is a file/)
    await meanwhile
    await server.initialize({ dataDir: path.join(data, 'a'), settings: SETTINGS })
    for (const _round of [1, 2]) {
      const starting = server.start(0)
      await expect(server.start(0)).rejects.toThrow('start: the server runs already')
      await starting
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
      const { ended } = server
      const stops = [server.stop(), server.stop()]
      await Promise.race(stops)
      await expect(ended).resolves.toBeUndefined()
      await Promise.all(stops)
      expect(server.url).toBeUndefined()
    }
    await rm(data, { recursive: true, force: true })
  })
})
