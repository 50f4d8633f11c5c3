import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Longest wait; then the disk is as busy as it always is. */
const TIMEOUT_MS = 30_000
const LOOK_EVERY_MS = 500
/** Looks in a row without a slow write. */
const CALM_LOOKS = 4
const WRITES_PER_LOOK = 50
/** A synced write that takes longer waits for somebody else's. */
const SLOW_WRITE_MS = 5

async function slowestWriteMs(file: string): Promise<number> {
  const handle = await open(file, 'w')
  const block = Buffer.alloc(4_096)
  let slowestMs = 0
  for (let count = 0; count < WRITES_PER_LOOK; count += 1) {
    const startedMs = performance.now()
    await handle.write(block)
    await handle.datasync()
    slowestMs = Math.max(slowestMs, performance.now() - startedMs)
  }
  await handle.close()
  return slowestMs
}

/**
 * Resolves when the disk has nothing left to do from what ran before. Whoever has just written or deleted
 * hundreds of megabytes would else make the next server's every fsync wait (20–700 ms, seen).
 */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync')
  const dir = await mkdtemp(path.join(tmpdir(), 'bench-disk-'))
  const deadlineMs = performance.now() + TIMEOUT_MS
  for (let calm = 0; calm < CALM_LOOKS && performance.now() < deadlineMs;) {
    await sleep(LOOK_EVERY_MS)
    calm = (await slowestWriteMs(path.join(dir, 'probe'))) < SLOW_WRITE_MS ? calm + 1 : 0
  }
  await rm(dir, { recursive: true })
}
