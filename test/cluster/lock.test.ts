import { describe, expect, it } from 'vitest'
import { openUpload } from './support/connection.ts'
import { ServerProcess, startServer } from './support/server.ts'

describe('the data directory', () => {
  it('belongs to one server: a second start is refused with a clear message', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '1' })
    const second = new ServerProcess({ PARLEY_DATA_DIR: server.dataDir })
    expect(await second.exited).toEqual({ code: 1, signal: null })
    expect(second.stderr).toContain(`another server runs on the data directory ${server.dataDir}`)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })

  it('is free again as soon as its server was killed', async () => {
    await using first = await startServer({ PARLEY_GATEWAYS: '2' })
    process.kill(first.pid, 'SIGKILL')
    const settings = { PARLEY_GATEWAYS: '2', PARLEY_PORT: String(first.port) }
    await using second = await startServer(settings, { dataDir: first.dataDir })
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
  })

  it('waits for a server that is just stopping', async () => {
    await using first = await startServer({ PARLEY_GATEWAYS: '1', PARLEY_DRAIN_MS: '1500' })
    // It keeps the drain going for its whole time.
    const upload = await openUpload(first.port)
    const stopping = first.stop()
    await using second = await startServer({ PARLEY_GATEWAYS: '1' }, { dataDir: first.dataDir })
    expect(await stopping).toEqual({ code: 0, signal: null })
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
    upload.destroy()
  })
})
