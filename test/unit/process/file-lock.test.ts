import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LockHeldError, openFileLock } from '../../../src/process/file-lock.ts'

describe('openFileLock', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'parley-lock-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is free for the next one when it is closed, not before', async () => {
    const file = path.join(directory, 'lock')
    const first = await openFileLock(file)
    await expect(openFileLock(file, 150)).rejects.toBeInstanceOf(LockHeldError)
    const second = openFileLock(file, 5_000)
    first.close()
    const lock = await second
    lock.close()
  })

  it('is freed by the kernel when its process is killed', async () => {
    const file = path.join(directory, 'lock')
    const script = `
      const Database = require('better-sqlite3')
      const database = new Database(${JSON.stringify(file)})
      database.exec('BEGIN EXCLUSIVE')
      process.stdout.write('held')
      setInterval(() => undefined, 1000)`
    const holder = spawn(process.execPath, ['-e', script], { cwd: process.cwd() })
    await once(holder.stdout, 'data')
    await expect(openFileLock(file, 150)).rejects.toBeInstanceOf(LockHeldError)
    holder.kill('SIGKILL')
    const lock = await openFileLock(file)
    lock.close()
  })
})
