import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { temporaryDataDir } from './support/run.ts'
import { isAlive, processesAt, ServerProcess } from './support/server.ts'

describe('a server whose process manager is gone', () => {
  it('drains and ends with all its processes, so that the next one finds port and data free', async () => {
    await using data = await temporaryDataDir()
    const settings = { PARLEY_GATEWAYS: '1', PARLEY_DATA_DIR: data.path }
    const server = new ServerProcess(settings, { withChannel: true })
    const { url } = await server.logged('listening')
    const pids = (await processesAt(String(url))).map(({ pid }) => pid)
    // Node emits no 'close' for a child that its parent disconnected.
    const exited = once(server.child, 'exit', { signal: AbortSignal.timeout(20_000) })
    try {
      server.child.disconnect()
      expect(await exited).toEqual([0, null])
    } finally {
      server.child.kill('SIGKILL')
    }
    expect(server.line('draining')).toBeDefined()
    expect(pids.filter(isAlive)).toEqual([])
  })
})
