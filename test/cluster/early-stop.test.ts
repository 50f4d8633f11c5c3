import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { openFileLock } from '../../src/process/file-lock.ts'
import { eventually } from './support/eventually.ts'
import { ServerProcess } from './support/server.ts'

const SIGUSR2_BIT = 1n << 11n

/** Whether a process handles its signals itself. Of the three only SIGUSR2 tells: Node catches the others anyway. */
async function handlesSignals(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return (BigInt(`0x${caught ?? '0'}`) & SIGUSR2_BIT) !== 0n
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a stop by %s before the server has begun ends with 0, and leaves nothing behind',
  async (signal) => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
    // The start waits here: it can neither finish nor begin before the signal came.
    const lock = await openFileLock(path.join(dataDir, 'server.lock'))
    const server = new ServerProcess({ PARLEY_GATEWAYS: '1', PARLEY_DATA_DIR: dataDir })
    await eventually(() => handlesSignals(server.pid), { what: 'its handlers', timeoutMs: 4_000 })
    server.child.kill(signal)
    server.child.kill('SIGUSR2')
    lock.close()
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.stderr).toBe('')
    expect(server.lines.map(({ msg }) => msg)).toEqual(['draining', 'stopped'])
    expect(await readdir(dataDir)).toEqual(['server.lock'])
    await rm(dataDir, { recursive: true })
  },
)
