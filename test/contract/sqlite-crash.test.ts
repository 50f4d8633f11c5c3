import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import { channelIn, entriesOf, textsOf } from './engine-support.ts'
import { compile } from './support/compile.ts'

const LIVES = 3
const BATCHES_PER_LIFE = 10

let directory: string
let engineFile: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'parley-crash-'))
  engineFile = compile('log/sqlite/sqlite-engine.ts', join(directory, 'dist'))
})

afterAll(() => rmSync(directory, { recursive: true }))

/** Lets a child post, kills it in mid-load, and answers the ids that it printed as applied. */
async function killedInMidLoad(file: string, channelId: string): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'support/posting-child.mjs')
  const child = spawn(process.execPath, [script, engineFile, file, channelId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: string[] = []
  let batches = 0
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(...line.split(' '))
    batches += 1
    if (batches === BATCHES_PER_LIFE) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return acknowledged
}

it('loses nothing that was applied when its process is killed, and tears no batch', async () => {
  const file = join(directory, 'log.db')
  const first = openSqliteEngine({ file, durability: 'full' })
  const channelId = channelIn(first)
  first.close()
  const acknowledged: string[] = []
  for (let life = 0; life < LIVES; life += 1) {
    acknowledged.push(...(await killedInMidLoad(file, channelId)))
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(LIVES * BATCHES_PER_LIFE * 20)
  const engine = openSqliteEngine({ file, durability: 'full' })
  const texts = textsOf(engine, channelId).toReversed()
  expect(texts.filter((text) => acknowledged.includes(text))).toEqual(acknowledged)
  expect(texts.length % 20).toBe(0)
  expect(new Set(texts).size).toBe(texts.length)
  const seqs = entriesOf(engine, channelId).map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  engine.close()
})
