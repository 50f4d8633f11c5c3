import { pino } from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { JoinEvent } from '../../../src/agent/message-worker.ts'
import type { ElizaRuntime } from '../../../src/elizaos/eliza-runtime.ts'
import { JoinsAhead } from '../../../src/elizaos/joins-ahead.ts'

const AGENT_ID = '550e8400-e29b-41d4-a716-446655440001'
const channelId = '550e8400-e29b-41d4-a716-446655440002'
const serverId = '00000000-0000-0000-0000-000000000000'
const joined: JoinEvent = {
  entityId: '550e8400-e29b-41d4-a716-446655440003',
  channelId,
  serverId,
  roomId: channelId,
  worldId: serverId,
  metadata: {},
  source: 'test',
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('waits no longer than 30 s for a runtime, so that those that hang keep no others out', async () => {
  const lines: { readonly msg: string; readonly err?: { readonly message: string } }[] = []
  let isHanging = true
  let told = 0
  const runtime: ElizaRuntime = {
    agentId: AGENT_ID,
    character: { name: 'Ada' },
    emitEvent: async () => {
      told += 1
      if (isHanging) await new Promise(() => undefined)
    },
  }
  const ahead = new JoinsAhead({
    log: { channel: async () => undefined },
    logger: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  })
  for (let count = 0; count <= 1_000; count += 1) ahead.tell(runtime, joined)
  await vi.advanceTimersByTimeAsync(29_000)
  expect([told, lines.length]).toEqual([1_000, 1])
  expect(lines[0]?.msg).toBe('join dropped: too many wait')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(lines).toHaveLength(1_001)
  expect(lines.at(-1)?.err?.message).toBe('its handlers did not end in 30000 ms')
  isHanging = false
  for (let count = 0; count < 3; count += 1) ahead.tell(runtime, joined)
  await vi.advanceTimersByTimeAsync(60_000)
  expect([told, lines.length, vi.getTimerCount()]).toEqual([1_003, 1_001, 0])
})
