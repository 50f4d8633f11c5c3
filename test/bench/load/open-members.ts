import { Histogram } from './histogram.ts'
import type { Place } from './connection.ts'
import { Member } from './member.ts'
import type { ConnectionPlan, OpenPlan, Opened, Position } from './plan.ts'
import type { Tally } from './tally.ts'

export interface OpenedMembers {
  readonly members: readonly Member[]
  readonly opened: Opened
}

/** Connects and joins them all, `concurrency` at a time; those that fail are counted, not retried. */
export async function openMembers(
  plan: OpenPlan,
  readBuffer: Buffer,
  tally: Tally,
): Promise<OpenedMembers> {
  const { clock } = tally
  const place: Place = { port: plan.port, readBuffer }
  const connectTimes = new Histogram()
  const joinTimes = new Histogram()
  const positions: Record<string, Position> = {}
  const members: Member[] = []
  const failures: string[] = []
  const beginning = clock()
  let lastOpenedAtMs = beginning
  let repeatedCount = 0

  const attempt = async (one: ConnectionPlan): Promise<void> => {
    const at = clock()
    const member = new Member(one, place, tally)
    const timer = setTimeout(() => {
      member.destroy()
    }, plan.patienceMs)
    try {
      await bringIn(member, one, at)
    } catch (error) {
      member.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const bringIn = async (member: Member, one: ConnectionPlan, at: number): Promise<void> => {
    await member.established()
    connectTimes.recordMs(clock() - at)
    if (one.channelId !== undefined) {
      const position = await member.join()
      joinTimes.recordMs(clock() - beginning)
      if (position !== undefined) positions[one.channelId] = position
    }
    members.push(member)
    lastOpenedAtMs = clock()
  }

  const isLate = (): boolean => clock() - beginning > plan.timeoutMs
  const openOne = async (one: ConnectionPlan): Promise<void> => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        await attempt(one)
        return
      } catch (error) {
        if (attempts >= plan.attempts || isLate()) {
          failures.push(error instanceof Error ? error.message : String(error))
          return
        }
        repeatedCount += 1
      }
    }
  }

  const waiting = plan.connections.values()
  const lane = async (): Promise<void> => {
    for (const one of waiting) {
      if (isLate()) failures.push('no time left')
      else await openOne(one)
    }
  }
  await Promise.all(Array.from({ length: plan.concurrency }, lane))
  const [firstFailure] = failures
  return {
    members,
    opened: {
      openedCount: members.length,
      failedCount: failures.length,
      repeatedCount,
      ...(firstFailure !== undefined && { firstFailure }),
      durationMs: lastOpenedAtMs - beginning,
      connectCounts: connectTimes.counts,
      joinCounts: joinTimes.counts,
      positions,
    },
  }
}
