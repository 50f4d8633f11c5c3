import { describe, expect, it, vi } from 'vitest'
import { GROUP_COMMIT_LIMITS, GroupCommit } from '../../../src/log/group-commit.ts'
import type { GroupCommitLimits } from '../../../src/log/group-commit.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(limits: Partial<GroupCommitLimits> = {}) {
  const batches: (readonly number[])[] = []
  const failures: { error: unknown; items: readonly number[] }[] = []
  let fault: Error | undefined
  const commits = new GroupCommit<number>({
    limits: { ...GROUP_COMMIT_LIMITS, ...limits },
    commit: (items) => {
      if (fault !== undefined) throw fault
      batches.push(items)
    },
    onFailure: (error, items) => failures.push({ error, items }),
  })
  const fail = (error: Error): void => {
    fault = error
  }
  return { commits, batches, failures, fail }
}

describe('GroupCommit', () => {
  it('commits a lone item at the end of the turn, without a timer', async () => {
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    const { commits, batches } = setUp()
    for (const item of [1, 2, 3]) {
      commits.submit(item, 1)
      await turn()
    }
    expect(batches).toEqual([[1], [2], [3]])
    expect(setTimer).not.toHaveBeenCalled()
    setTimer.mockRestore()
  })

  it('commits what arrives in one turn together, in order', async () => {
    const { commits, batches } = setUp()
    for (const item of [1, 2, 3]) commits.submit(item, 1)
    await turn()
    expect(batches).toEqual([[1, 2, 3]])
  })

  it('waits for as many as last time, and closes the batch when they are there', async () => {
    const { commits, batches } = setUp({ windowMs: 60_000 })
    for (const item of [1, 2, 3]) commits.submit(item, 1)
    await turn()
    commits.submit(4, 1)
    await turn()
    commits.submit(5, 1)
    await turn()
    expect(batches).toHaveLength(1)
    commits.submit(6, 1)
    await turn()
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
  })

  it('waits no longer than the window, and not at all after a batch of one', async () => {
    const { commits, batches } = setUp({ windowMs: 1 })
    for (const item of [1, 2]) commits.submit(item, 1)
    await turn()
    commits.submit(3, 1)
    await expect.poll(() => batches).toEqual([[1, 2], [3]])
    commits.submit(4, 1)
    await turn()
    expect(batches).toEqual([[1, 2], [3], [4]])
  })

  it('closes a batch at its count and at its bytes, and commits the rest in the next', async () => {
    const byCount = setUp({ maxBatch: 2 })
    for (const item of [1, 2, 3, 4, 5]) byCount.commits.submit(item, 1)
    await expect.poll(() => byCount.batches).toEqual([[1, 2], [3, 4], [5]])

    const byBytes = setUp({ maxBatchBytes: 100 })
    for (const item of [1, 2, 3]) byBytes.commits.submit(item, 60)
    byBytes.commits.submit(4, 500)
    await expect.poll(() => byBytes.batches).toEqual([[1], [2], [3], [4]])
  })

  it('refuses with OVERLOADED past its bounds and takes again once a batch is gone', async () => {
    for (const limits of [{ maxPending: 2 }, { maxPendingBytes: 100 }]) {
      const { commits, batches } = setUp(limits)
      for (const item of [1, 2]) commits.submit(item, 50)
      expect(() => commits.submit(9, 50)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
      await turn()
      commits.submit(3, 50)
      await expect.poll(() => batches).toEqual([[1, 2], [3]])
    }
  })

  it('takes one item alone even when it is above the bound of bytes', async () => {
    const { commits, batches } = setUp({ maxPendingBytes: 100 })
    commits.submit(1, 1_000)
    await turn()
    expect(batches).toEqual([[1]])
  })

  it('gives up everything that waits after a failure, once, and takes nothing more', async () => {
    const { commits, batches, failures, fail } = setUp({ maxBatch: 2 })
    const error = new Error('the disk is gone')
    fail(error)
    for (const item of [1, 2, 3]) commits.submit(item, 1)
    await turn()
    await turn()
    expect(failures).toEqual([{ error, items: [1, 2, 3] }])
    expect(batches).toEqual([])
    expect(() => commits.submit(4, 1)).toThrow(
      expect.objectContaining({ code: 'WRITER_UNAVAILABLE' }),
    )
  })

  it('commits what waits when it is stopped', () => {
    const { commits, batches } = setUp({ maxBatch: 2 })
    for (const item of [1, 2, 3]) commits.submit(item, 1)
    commits.stop()
    expect(batches).toEqual([[1, 2], [3]])
    expect(() => commits.submit(4, 1)).toThrow()
  })
})
