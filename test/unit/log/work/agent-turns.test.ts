import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TurnRef } from '../../../../src/log/agent-work.ts'
import type { Command } from '../../../../src/log/log.ts'
import { createMemoryEngine } from '../../../../src/log/memory/memory-engine.ts'
import { AgentTurns } from '../../../../src/log/work/agent-turns.ts'
import { newId } from '../../../../src/util/new-id.ts'
import { openStream } from '../../../contract/engine-stream-support.ts'
import { channelIn, openInbox, post } from '../../../contract/engine-support.ts'

const AWAY_MS = 10_250
const GONE_MS = 2_250

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A writer over an engine: what it commits is applied to the turns, and what they tell is kept. */
class Writer {
  readonly engine: ReturnType<typeof createMemoryEngine>
  readonly turns: AgentTurns
  #seen: string[] = []

  constructor(engine = createMemoryEngine()) {
    this.engine = engine
    this.turns = new AgentTurns({
      engine,
      publish: (frame) => {
        if (frame.kind === 'complete') this.#seen.push(`complete ${frame.messageId}`)
        if (frame.kind === 'turn') this.#seen.push(`${frame.state} ${frame.messageId}`)
      },
      onCancelled: ({ messageId }) => this.#seen.push(`cancelled ${messageId}`),
      submit: (command) => this.do(command),
    })
    this.turns.start()
  }

  do(command: Command) {
    const [applied] = this.engine.apply([command])
    if (applied === undefined || 'error' in applied) throw new Error(`${command.type} was refused`)
    this.turns.applied(command, applied)
    return applied
  }

  /** Says something that these are to deal with, and answers what they may say of it. */
  say(id: string, channelId: string): (agentId: string) => TurnRef {
    const { serverId } = this.engine.channel(channelId) ?? { serverId: '' }
    this.do(post(channelId, id, { id }))
    const place = this.engine.newestPlace()
    return (agentId) => ({ agentId, channelId, serverId, messageId: id, authorId: 'author', place })
  }

  on(type: 'open-inbox' | 'stop-agent' | 'start-agent' | 'delete-agent', agentId: string): void {
    this.do({ type, id: newId(), agentId })
  }

  settle(agentId: string, upTo = this.engine.newestPlace()): void {
    this.do({ type: 'settle', id: newId(), agentId, upTo })
  }

  /** What was told since the last time. */
  news(): readonly string[] {
    const seen = this.#seen
    this.#seen = []
    return seen
  }
}

const agents = (...ids: readonly string[]) => ({
  participants: ids.map((entityId) => ({ entityId, isAgent: true })),
})

function withAgents(...ids: readonly string[]): { writer: Writer; channelId: string } {
  const writer = new Writer()
  for (const id of ids) writer.on('open-inbox', id)
  return { writer, channelId: channelIn(writer.engine, agents(...ids)) }
}

describe('a message', () => {
  it('is complete when its agents are through, have passed it, are stopped or deleted', () => {
    const { writer, channelId } = withAgents('a', 'b', 'c', 'd')
    const by = writer.say('m', channelId)
    writer.turns.begin('host', by('a'))
    writer.turns.end(by('a'))
    writer.settle('b')
    writer.on('stop-agent', 'c')
    expect(writer.news()).toEqual(['thinking m', 'idle m'])
    writer.do({ type: 'create-agent', id: newId(), agentId: 'd', definition: HOOK })
    writer.on('delete-agent', 'd')
    expect(writer.news()).toEqual(['complete m'])
    writer.turns.end(by('c'))
    expect(writer.news()).toEqual([])
  })

  it('does not wait for what an agent left behind when it was stopped, and started again', () => {
    const { writer, channelId } = withAgents('a', 'b')
    const by = writer.say('m', channelId)
    writer.settle('a', 0)
    writer.on('stop-agent', 'a')
    writer.on('start-agent', 'a')
    // As a writer that has forgotten for whom it waits.
    const next = new Writer(writer.engine)
    next.on('start-agent', 'a')
    next.turns.end(by('b'))
    expect(next.news()).toEqual(['complete m'])
    // Of one that is not stopped nothing is begun.
    next.say('n', channelId)
    next.on('start-agent', 'b')
    next.settle('a')
    expect(next.news()).toEqual([])
  })

  it('waits for an agent that is started until nobody has run it for long', () => {
    const { writer, channelId } = withAgents('a')
    writer.on('stop-agent', 'a')
    vi.advanceTimersByTime(AWAY_MS)
    writer.on('start-agent', 'a')
    writer.say('m', channelId)
    vi.advanceTimersByTime(AWAY_MS - 500)
    expect(writer.news()).toEqual([])
    vi.advanceTimersByTime(500)
    expect(writer.news()).toEqual(['complete m'])
  })

  it('waits for agents of a process that is gone until others would have begun, and is then complete', () => {
    const { writer, channelId } = withAgents('a')
    writer.turns.ownerBack('host')
    writer.turns.run('host', ['a'])
    const by = writer.say('m', channelId)
    writer.turns.begin('host', by('a'))
    writer.news()
    writer.turns.ownerGone('host')
    vi.advanceTimersByTime(GONE_MS)
    expect(writer.news()).toEqual(['idle m'])
    vi.advanceTimersByTime(AWAY_MS - GONE_MS)
    expect(writer.news()).toEqual(['complete m'])
    // Complete at once, and not again when the agent is back and deals with it.
    const late = writer.say('n', channelId)
    writer.turns.ownerBack('host')
    writer.turns.run('host', ['a'])
    for (const turn of [by('a'), late('a')]) writer.turns.end(turn)
    writer.settle('a')
    expect(writer.news()).toEqual([])
    const third = writer.say('o', channelId)
    writer.turns.end(third('a'))
    expect(writer.news()).toEqual(['complete o'])
  })

  it('waits no less for those who could not be heard while the writer stood still', () => {
    const { writer, channelId } = withAgents('a')
    writer.turns.ownerBack('host')
    writer.turns.run('host', ['a'])
    const by = writer.say('m', channelId)
    writer.turns.begin('host', by('a'))
    writer.turns.ownerGone('host')
    writer.news()
    // As if no timer had fired meanwhile.
    const now = performance.now.bind(performance)
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    vi.advanceTimersByTime(1_000)
    expect(writer.news()).toEqual([])
    vi.advanceTimersByTime(AWAY_MS - 1_000)
    expect(writer.news()).toEqual(['idle m', 'complete m'])
    spy.mockRestore()
  })

  it('that is complete without an agent that is gone is not complete again with each new writer', () => {
    const { writer, channelId } = withAgents('a', 'gone')
    writer.turns.run('host', ['a'])
    const early = writer.say('early', channelId)
    writer.turns.end(early('a'))
    vi.advanceTimersByTime(AWAY_MS)
    const late = writer.say('late', channelId)
    writer.turns.end(late('a'))
    expect(writer.news()).toEqual(['complete early', 'complete late'])
    writer.settle('a')
    for (const id of ['next', 'nextButOne']) {
      writer.turns.stop()
      // As it is read from storage.
      const next = new Writer(writer.engine)
      next.turns.run('host', ['a'])
      expect(next.turns.completedIn(channelId)).toEqual(expect.arrayContaining(['early', 'late']))
      // It may be back with all the others: what is said from now on waits for it.
      const by = next.say(id, channelId)
      next.turns.end(by('a'))
      next.settle('a')
      expect(next.news()).toEqual([])
      vi.advanceTimersByTime(AWAY_MS)
      expect(next.news()).toEqual([`complete ${id}`])
      next.turns.stop()
    }
  })

  it('that was said while an agent was away does not wait for it when it is back, and later ones do', () => {
    const { writer, channelId } = withAgents('a', 'b')
    vi.advanceTimersByTime(AWAY_MS)
    writer.turns.run('host', ['a'])
    const old = writer.say('old', channelId)
    writer.turns.end(old('a'))
    writer.turns.run('host', ['a', 'b'])
    const young = writer.say('young', channelId)
    writer.turns.end(young('a'))
    writer.settle('a')
    expect(writer.news()).toEqual(['complete old'])
    writer.turns.stop()
    const next = new Writer(writer.engine)
    next.turns.run('host', ['a', 'b'])
    for (const by of [old, young]) next.turns.end(by('b'))
    expect(next.news()).toEqual(['complete young'])
  })

  it('waits for an agent of a process whose new link is there before its old one is closed', () => {
    const { writer, channelId } = withAgents('a')
    for (let link = 0; link < 2; link += 1) {
      writer.turns.ownerBack('host')
      writer.turns.run('host', ['a'])
    }
    const by = writer.say('m', channelId)
    writer.turns.begin('host', by('a'))
    writer.turns.ownerGone('host')
    vi.advanceTimersByTime(2 * AWAY_MS)
    expect(writer.news()).toEqual(['thinking m'])
    writer.turns.run('host', [])
    expect(writer.news()).toEqual(['idle m'])
    vi.advanceTimersByTime(AWAY_MS)
    expect(writer.news()).toEqual(['complete m'])
  })

  it('waits in a new writer for whom it waited in the one before, and for nobody who never comes back', () => {
    const { writer, channelId } = withAgents('a', 'b')
    writer.say('m', channelId)
    const by = writer.say('n', channelId)
    const next = new Writer(writer.engine)
    next.turns.run('host', ['a'])
    next.turns.end(by('a'))
    next.settle('a')
    expect(next.news()).toEqual([])
    vi.advanceTimersByTime(AWAY_MS)
    expect(next.news()).toEqual(['complete m', 'complete n'])
    expect(next.turns.completedIn(channelId)).toEqual(['m', 'n'])
    next.settle('b')
    expect(new Writer(writer.engine).turns.completedIn(channelId)).toEqual(['m', 'n'])
  })
})

describe('what is shown of an agent', () => {
  it('is its stream from when that is open, or claimed over a new link', () => {
    const { writer, channelId } = withAgents('a')
    const by = writer.say('m', channelId)
    const stream = openStream(channelId, 'n', { message: { authorId: 'a' } })
    writer.turns.begin('host', by('a'))
    writer.do(stream)
    const streaming = { agentId: 'a', messageId: 'm', state: 'streaming' } as const
    const shown = [{ ...streaming, streamMessageId: stream.message.id }]
    expect(writer.turns.of(channelId)).toEqual(shown)
    const next = new Writer(writer.engine)
    next.turns.begin('host', by('a'))
    const messageId = stream.message.id
    next.turns.claimed({ messageId, channelId, agentId: 'a', text: '', index: 0 })
    expect(next.turns.of(channelId)).toEqual(shown)
    expect(next.news()).toEqual(['thinking m', 'streaming m'])
  })
})

it('nothing is looked for after the end', () => {
  const { writer, channelId } = withAgents('a')
  writer.say('m', channelId)
  writer.turns.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect(openInbox(writer.engine, 'a')).toBe(0)
})

const HOOK = { name: 'Hook', url: 'https://a.example/', secret: 'whsec_x' }
