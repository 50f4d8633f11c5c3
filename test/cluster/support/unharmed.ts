import { expect } from 'vitest'
import type { TestServer } from './server.ts'

/** A server's processes before something is done to it. */
export async function pidsOf(server: TestServer): Promise<readonly number[]> {
  const processes = await server.processes()
  return processes.map(({ pid }) => pid)
}

/** It bore what was done to it: these are its processes still, none of them failed at anything or crashed. */
export async function expectUnharmed(server: TestServer, pids: readonly number[]): Promise<void> {
  expect(await pidsOf(server)).toEqual(pids)
  expect(server.lines.filter(({ level }) => Number(level) >= 50)).toEqual([])
  expect(server.process.stderr).toBe('')
}
