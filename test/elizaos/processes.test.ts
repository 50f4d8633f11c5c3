import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../cluster/support/eventually.ts'
import { isAlive, processesAt } from '../cluster/support/server.ts'
import {
  importPackage,
  INDEX,
  SETTINGS,
  startWorld,
  temporaryData,
  Visitors,
} from './support/eliza-world.ts'

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
  readonly serverPids: readonly number[]

  constructor(child: ChildProcess, told: { url: string; agentId: string }, pids: number[]) {
    super(told.url)
    this.child = child
    this.agentId = told.agentId
    this.serverPids = pids
  }

  static async start(): Promise<UserProcess> {
    const child = fork(USER_PROCESS, [INDEX, dataDir], { execArgv: [] })
    const [told]: { url: string; agentId: string }[] = await once(child, 'message', {
      signal: AbortSignal.timeout(30_000),
    })
    if (told === undefined) throw new Error('it told nothing')
    const processes = await processesAt(told.url)
    return new UserProcess(
      child,
      told,
      processes.map(({ pid }) => pid),
    )
  }

  /** Ends it, and waits for the end of everything that it started. */
  async end(signal: NodeJS.Signals): Promise<readonly unknown[]> {
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    const how = await exit
    await eventually(() => !this.serverPids.some(isAlive), { what: 'the end of the server' })
    return how
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL')
  }
}

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
    // As its program asks it to, everything ends by itself.
    expect(await user.end('SIGTERM')).toEqual([0, null])
  })
})

const isThrough = (said: readonly { readonly content: string }[]): boolean =>
  said.some(({ content }) => content === 'then wait')

describe('an AgentServer', () => {
  it('tells whoever waits for its end that the server ended by itself', async () => {
    await using world = await startWorld()
    const { ended } = world.server
    const processes = await processesAt(world.url)
    const primary = processes.find(({ role }) => role === 'primary')
    process.kill(primary?.pid ?? 0, 'SIGKILL')
    await expect(ended).rejects.toThrow('the server ended (SIGKILL)')
    expect(world.server.url).toBeUndefined()
  })

  it('says why it cannot start, starts when it can, and again after a stop', async () => {
    const { AgentServer } = await importPackage()
    const server = new AgentServer()
    await expect(
      server.initialize({ settings: { PARLEY_GATEWAYS: 'many', PARLEY_DRAIN_MS: '-1' } }),
    ).rejects.toThrow(/PARLEY_GATEWAYS[^]*PARLEY_DRAIN_MS/)
    const data = await temporaryData()
    const file = path.join(data, 'file')
    await writeFile(file, '')
    await server.initialize({ dataDir: file, settings: SETTINGS })
    await expect(server.start(0)).rejects.toThrow(/cannot start: PARLEY_DATA_DIR.* it is a file/)
    await server.initialize({ dataDir: path.join(data, 'a'), settings: SETTINGS })
    for (const _round of [1, 2]) {
      await server.start(0)
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
      const { ended } = server
      await server.stop()
      await expect(ended).resolves.toBeUndefined()
    }
    await rm(data, { recursive: true, force: true })
  })
})
