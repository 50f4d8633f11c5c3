import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { ENTRY, isAlive } from './support/server.ts'

const LINK = pathToFileURL(path.join(path.dirname(ENTRY), 'process/child/primary-link.js')).href

/** Hands a connection to its parent, which stands still and never takes it. */
const CHILD = `
  import { once } from 'node:events'
  import { writeFileSync } from 'node:fs'
  import { connect, createServer } from 'node:net'
  import { PrimaryLink } from '${LINK}'
  const link = new PrimaryLink()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.once('SIGUSR2', async () => {
    connect(server.address().port, '127.0.0.1')
    const [socket] = await once(server, 'connection')
    void link.send({ parley: 'hand-over', to: 'x', request: {} }, socket)
    writeFileSync(new URL('sent', import.meta.url), '')
  })
  process.send(process.pid)
  await link.closed
  process.exit(0)
`
const PARENT = `
  import { fork } from 'node:child_process'
  const child = fork(new URL('child.mjs', import.meta.url))
  child.on('message', (message) => process.send(message))
`

it(
  'a process whose primary is killed while it hands a connection over ends, too',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'parley-orphan-'))
    await writeFile(path.join(folder, 'child.mjs'), CHILD)
    await writeFile(path.join(folder, 'parent.mjs'), PARENT)
    const parent = fork(path.join(folder, 'parent.mjs'))
    const [pid]: number[] = await once(parent, 'message')
    if (pid === undefined) throw new Error('the child did not say who it is')
    try {
      parent.kill('SIGSTOP')
      process.kill(pid, 'SIGUSR2')
      await eventually(() => existsSync(path.join(folder, 'sent')), {
        what: 'a connection on its way',
      })
      parent.kill('SIGKILL')
      await eventually(() => !isAlive(pid), { what: 'the end of the child', timeoutMs: 10_000 })
      expect(isAlive(pid)).toBe(false)
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  },
)
