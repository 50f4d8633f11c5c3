import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { eventually } from '../cluster/support/eventually.ts'
import { restData } from '../cluster/support/rest.ts'
import { startServer } from '../cluster/support/server.ts'
import { fencedBlocks, PROJECT, readPage } from './support/page.ts'

const [script = ''] = fencedBlocks(readPage('README.md'), 'js')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

it('the README’s agent over HTTP answers, and answers nobody who does not sign', async () => {
  expect(script).toContain('standardwebhooks')
  const port = await freePort()
  await using server = await startServer({ PARLEY_WEBHOOK_ALLOW: '127.0.0.1/32' })
  const url = `http://127.0.0.1:${port}`
  const post = <Answer>(to: string, body: object): Promise<Answer> =>
    restData<Answer>(server.url, { path: to, method: 'POST', body })
  const agent = await post<{ readonly id: string; readonly secret: string }>('/api/agents', {
    name: 'Support',
    url,
  })
  const place = await mkdtemp(path.join(tmpdir(), 'parley-hook-'))
  await symlink(path.join(PROJECT, 'node_modules'), path.join(place, 'node_modules'))
  await writeFile(path.join(place, 'hook.mjs'), script.replace('8080', String(port)))
  const hook = spawn(process.execPath, ['hook.mjs', agent.secret], { cwd: place, stdio: 'inherit' })
  try {
    const unsigned = await eventually(
      () => fetch(url, { method: 'POST', body: '{}' }).catch(() => undefined),
      { what: 'the hook of the README' },
    )
    expect(unsigned.status).toBe(401)
    const channel = { id: 'desk', name: 'Desk', participantCentralUserIds: [agent.id] }
    await post('/api/messaging/channels', { ...channel, message_server_id: DEFAULT_SERVER_ID })
    const said = { author_id: 'ann', content: 'hello', message_server_id: DEFAULT_SERVER_ID }
    await post('/api/messaging/channels/desk/messages', said)
    const answered = await eventually(
      async () => {
        const { messages } = await restData<{ messages: readonly { readonly content: string }[] }>(
          server.url,
          { path: '/api/messaging/channels/desk/messages' },
        )
        return messages.length > 1 ? messages : undefined
      },
      { what: 'the answer' },
    )
    expect(answered.map(({ content }) => content)).toEqual(['You said: hello', 'hello'])
  } finally {
    hook.kill('SIGKILL')
    await rm(place, { recursive: true, force: true })
  }
})
