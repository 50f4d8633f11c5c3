import { describe, expect, it, vi } from 'vitest'
import { Suspects } from '../../../../src/agent/runtime/suspects.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'

const MAX_MS = 30_000

/** Work at messages, each of which lasts until it is ended. */
function atWork() {
  const suspects = new Suspects(MAX_MS)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    begin: (name: string, unfinished: number): Promise<string> =>
      suspects.run(unfinished, async () => {
        begun.push(name)
        const { promise, resolve } = createDeferred<void>()
        ends.set(name, resolve)
        await promise
        return name
      }),
    end: async (name: string): Promise<void> => {
      ends.get(name)?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('messages at which processes ended', () => {
  it('go side by side after one, and alone after two; others do not wait for any', async () => {
    const { begun, begin, end } = atWork()
    const results = [begin('one a', 1), begin('two a', 2), begin('two b', 2), begin('one b', 1)]
    await turn()
    expect(begun).toEqual(['one a', 'one b'])
    await end('one a')
    expect(begun).toEqual(['one a', 'one b'])
    await end('one b')
    expect(begun.slice(2)).toEqual(['two a'])
    results.push(begin('none', 0), begin('one c', 1), begin('one d', 1))
    await turn()
    expect(begun.slice(3)).toEqual(['none'])
    await end('two a')
    expect(begun.slice(4)).toEqual(['one c', 'one d'])
    for (const name of ['one c', 'one d']) await end(name)
    expect(begun.slice(6)).toEqual(['two b'])
    for (const name of ['two b', 'none']) await end(name)
    expect(await Promise.all(results)).toEqual([
      'one a',
      'two a',
      'two b',
      'one b',
      'none',
      'one c',
      'one d',
    ])
  })

  it('wait for one that does not end only so long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { begun, begin, end } = atWork()
      const results = [begin('a', 2), begin('b', 2), begin('c', 1)]
      await turn()
      await vi.advanceTimersByTimeAsync(MAX_MS - 1)
      expect(begun).toEqual(['a'])
      await vi.advanceTimersByTimeAsync(1)
      expect(begun).toEqual(['a', 'c'])
      await vi.advanceTimersByTimeAsync(MAX_MS)
      expect(begun).toEqual(['a', 'c', 'b'])
      // Its end comes too late to let another one begin beside that which is alone now.
      results.push(begin('d', 2))
      await end('a')
      expect(begun).toEqual(['a', 'c', 'b'])
      for (const name of ['b', 'c', 'd']) await end(name)
      expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
    } finally {
      vi.useRealTimers()
    }
  })
})
