import path from 'node:path'
import { openSqliteEngine } from '../../../src/log/sqlite/sqlite-engine.ts'
import { expect } from 'vitest'
import { textsOf } from '../../contract/engine-support.ts'
import { channelPath, createChannel, rest } from './rest.ts'
import { killAtOnce } from './run.ts'
import { startServer } from './server.ts'
import { runTool } from './tool.ts'

export const SETTINGS = { PARLEY_GATEWAYS: '1', PARLEY_AGENT_HOSTS: '0' }
export const CHANNEL = 'room'

export async function say(url: string, text: string): Promise<void> {
  const body = { author_id: 'author', content: text }
  const call = { method: 'POST', path: `${channelPath(CHANNEL)}/messages`, body } as const
  expect((await rest(url, call)).status).toBe(201)
}

interface Content {
  readonly epoch: string
  readonly texts: readonly string[]
}

/** What a database holds, as the next start would find it. */
export function contentOf(file: string): Content {
  const engine = openSqliteEngine({ file, durability: 'normal' })
  try {
    return { epoch: engine.epoch, texts: textsOf(engine, CHANNEL).toReversed() }
  } finally {
    engine.close()
  }
}

export const databaseOf = (dataDir: string): string => path.join(dataDir, 'parley.db')

/** An ended server's directory whose messages are these, with a backup from before the last one. */
export async function madeBackup(dataDir: string, end: 'stop' | 'kill' = 'stop') {
  await using server = await startServer(SETTINGS, { dataDir })
  await createChannel(server.url, CHANNEL)
  await say(server.url, 'one')
  const backup = path.join(dataDir, 'one.db')
  const environment = { PARLEY_DATA_DIR: dataDir }
  expect(await runTool(['backup', backup], { environment })).toMatchObject({ code: 0 })
  await say(server.url, 'two')
  if (end === 'stop') await server.stop()
  else killAtOnce(...(await server.processes()).map(({ pid }) => pid))
  return { backup }
}
