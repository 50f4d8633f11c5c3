import { beforeEach, describe, expect, it } from 'vitest'
import { RunningAgents } from '../../../../src/log/work/running-agents.ts'

const AWAY_AFTER_MS = 10_000

let nowMs: number
let away: Set<string>
let told: string[]
let back: string[]

beforeEach(() => {
  nowMs = 5_000
  away = new Set()
  told = []
  back = []
})

const begin = (...agents: readonly string[]): RunningAgents =>
  new RunningAgents({
    agents,
    away,
    onAway: (agentIds) => told.push(...agentIds),
    onBack: (agentIds) => back.push(...agentIds),
    now: () => nowMs,
  })

function look(running: RunningAgents, afterMs: number): void {
  nowMs += afterMs
  running.look()
}

describe('an agent with an inbox', () => {
  it('is away when nobody has run it for ten seconds, told once, and until somebody does', () => {
    const running = begin('a', 'b')
    running.set('host', ['b'])
    look(running, AWAY_AFTER_MS - 1)
    expect([...away]).toEqual([])
    look(running, 1)
    look(running, AWAY_AFTER_MS)
    expect([[...away], told]).toEqual([['a'], ['a']])
    running.set('host', ['a', 'b'])
    expect([[...away], back]).toEqual([[], ['a']])
    look(running, 10 * AWAY_AFTER_MS)
    expect(told).toEqual(['a'])
  })

  it('is not away while any process runs it, nor before its time when it changes hosts', () => {
    const running = begin()
    running.set('one', ['a'])
    running.set('two', ['a'])
    running.add('a')
    running.set('one', [])
    look(running, 2 * AWAY_AFTER_MS)
    running.set('two', [])
    look(running, AWAY_AFTER_MS - 1)
    running.set('three', ['a'])
    look(running, AWAY_AFTER_MS)
    expect(told).toEqual([])
    // Counted from when it was last run.
    running.set('three', ['another'])
    look(running, AWAY_AFTER_MS - 1)
    expect(told).toEqual([])
    look(running, 1)
    expect(told).toEqual(['a'])
  })

  it('that is opened while nobody runs it has as long as others, and opened again no longer', () => {
    const running = begin()
    running.add('a')
    look(running, AWAY_AFTER_MS / 2)
    running.add('a')
    look(running, AWAY_AFTER_MS / 2)
    running.add('a')
    look(running, AWAY_AFTER_MS)
    expect([[...away], told]).toEqual([['a'], ['a']])
  })
})

describe('an agent without an inbox', () => {
  it('is nothing to be remembered, whether it is run or not', () => {
    const running = begin('a', 'b')
    look(running, AWAY_AFTER_MS)
    running.remove('a')
    running.remove('b')
    expect([...away]).toEqual([])
    running.set('host', ['a', 'never'])
    running.set('host', [])
    look(running, AWAY_AFTER_MS)
    expect([[...away], told]).toEqual([[], ['a', 'b']])
    running.add('a')
    running.remove('a')
    look(running, AWAY_AFTER_MS)
    expect(told).toEqual(['a', 'b'])
  })
})
