import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { startRest } from '../integration/support/rest-server.ts'
import { Replay } from './support/replay.ts'
import type { Recording } from './support/replay.ts'

const file = new URL('golden/rest.json', import.meta.url)
const groups: Record<string, Recording[]> = JSON.parse(readFileSync(file, 'utf8'))

/** Settings under which a group was recorded. */
const KEYS: Record<string, string> = { keys: 'resttoken' }

describe('answers as the real elizaOS server 1.7.2 did', () => {
  it.each(Object.keys(groups))('%s', async (name) => {
    const apiKey = KEYS[name]
    await using server = await startRest({ settings: apiKey === undefined ? {} : { apiKey } })
    const replay = new Replay(server)
    const problems: string[] = []
    for (const recording of groups[name] ?? []) {
      const answer = await replay.send(recording)
      const what = `${recording.request.method} ${recording.request.path} ${JSON.stringify(recording.request.body ?? null)}`
      const status = recording.parley?.status ?? recording.status
      if (answer.status !== status) problems.push(`${what}: ${answer.status}, not ${status}`)
      if (recording.parley !== undefined) continue
      for (const difference of replay.differences(recording.body, answer.body)) {
        problems.push(`${what}: ${difference}`)
      }
    }
    expect(problems).toEqual([])
  })
})
