import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { databaseFile } from '../../../src/process/database-file.ts'
import type { FillPlan } from './fill.ts'

const MODULE = fileURLToPath(new URL('fill-process.js', import.meta.url))
/** Of the file with its indexes, and of what sorting them takes meanwhile. */
const BYTES_PER_ROW = 1_000

async function requireRoom(rowCount: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir())
  const neededBytes = rowCount * BYTES_PER_ROW
  if (bavail * bsize > neededBytes) return
  throw new Error(
    `${tmpdir()} has no room for ${rowCount} rows (${Math.round(neededBytes / 1e9)} GB): set BENCH_GROWTH_ROWS lower`,
  )
}

/** Makes a data directory with a long history; it disappears with this process. */
export async function createFilledData(plan: Omit<FillPlan, 'file'>): Promise<string> {
  await requireRoom(plan.rowCount)
  const dataDir = await mkdtemp(path.join(tmpdir(), 'bench-growth-'))
  process.once('exit', () => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  const { channelCount, rowCount } = plan
  const args = [databaseFile(dataDir), String(channelCount), String(rowCount)]
  const child = fork(MODULE, args, { execArgv: [] })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`the history was not written: ${signal ?? code}`))
    })
  })
  return dataDir
}
