import { describe, expect, it } from 'vitest'
import type { AgentTurn, Ephemeral } from '../../../src/protocol/model.ts'
import type { Joined } from '../../../src/service/live.ts'
import { createDeferred } from '../../../src/util/deferred.ts'
import { Recorder, setUp } from './live-scene.ts'
import { CHANNEL, entry } from './scripted-log.ts'
import { AGENT, posted } from './work-world.ts'

/** Notes streams and turns in words. */
class Reader extends Recorder {
  override onEphemeral(frame: Ephemeral): void {
    if (frame.kind === 'chunk') this.seen.push(`${frame.messageId}+${frame.offset} ${frame.chunk}`)
    else if (frame.kind === 'turn') this.seen.push(`${frame.messageId} ${frame.state}`)
    else if (frame.kind === 'loss') this.seen.push(`${frame.messageId} lost: ${frame.text}`)
    else this.seen.push(frame.kind)
  }
  readonly answered = (joined: Joined, turns: readonly AgentTurn[]): void => {
    const states = turns.map(({ messageId, state }) => `${messageId} ${state}`)
    this.seen.push(['joined', joined.seq, ...states].join(' '))
  }
}

const chunk = (offset: number, text: string, messageId = 'm'): Ephemeral => ({
  kind: 'chunk',
  channelId: CHANNEL,
  messageId,
  agentId: AGENT,
  index: offset,
  offset,
  chunk: text,
})

const turn = (messageId: string, state: AgentTurn['state']): Ephemeral => ({
  kind: 'turn',
  channelId: CHANNEL,
  agentId: AGENT,
  messageId,
  state,
})

function activity(texts: Readonly<Record<string, string>>, thinkingAbout: string[]): Ephemeral {
  const streams = Object.entries(texts).map(([messageId, text]) => ({
    messageId,
    agentId: AGENT,
    index: text.length,
    text,
  }))
  const turns = thinkingAbout.map((messageId): AgentTurn => ({
    agentId: AGENT,
    messageId,
    state: 'thinking',
  }))
  return { kind: 'activity', channelId: CHANNEL, streams, turns }
}

const complete = (messageId?: string): Ephemeral => ({
  kind: 'complete',
  channelId: CHANNEL,
  serverId: 's',
  ...(messageId !== undefined && { messageId }),
})

/** A channel that is followed from entry 5 on, with what its feed begins with, and a reader in it. */
async function scene(...first: readonly Ephemeral[]) {
  return sceneWith(undefined, first)
}

async function sceneWith(defer: typeof setImmediate | undefined, first: readonly Ephemeral[]) {
  const { log, live } = setUp(100, 100, defer)
  const join = async (): Promise<Reader> => {
    const reader = new Reader()
    await live.join({ channelId: CHANNEL, follower: reader, onJoined: reader.answered })
    return reader
  }
  const joining = join()
  for (const frame of first) live.onEphemeral(frame)
  log.opens(5)
  return { log, live, reader: await joining, join }
}

/** A promise for a reader's pace, and what resolves it. */
function held(reader: Reader): () => void {
  const { promise, resolve } = createDeferred<void>()
  reader.pace = () => promise
  return () => {
    resolve()
  }
}

describe('a followed channel with agents at work', () => {
  it('answers the first join with what the feed began with', async () => {
    // As a process does: what the feed brings is delivered at the end of the turn.
    const first = [activity({ m: 'abc' }, ['q']), chunk(3, 'd')]
    const { live, reader } = await sceneWith(setImmediate, first)
    await live.delivered(CHANNEL)
    expect(reader.seen).toEqual(['joined 5 q thinking', 'm+0 abc', 'm+3 d'])
  })

  it('tells of a new beginning only what is new, and what is over', async () => {
    const { live, reader } = await scene(activity({ m: 'abc', n: 'x' }, ['q', 'r']))
    reader.seen.length = 0
    live.onEphemeral(activity({ m: 'abcdef', n: 'x', o: 'new' }, ['r', 's']))
    expect(reader.seen).toEqual(['q idle', 's thinking', 'm+3 def', 'o+0 new'])
  })

  it('numbers what is new from the chunk behind those that were told', async () => {
    const { live, reader } = await scene(activity({ m: 'abc' }, []))
    const frames: Ephemeral[] = []
    reader.onEphemeral = (frame) => {
      frames.push(frame)
    }
    live.onEphemeral(activity({ m: 'abcdef' }, []))
    live.onEphemeral(chunk(6, 'g'))
    expect(frames).toMatchObject([
      { index: 3, offset: 3 },
      { index: 6, offset: 6 },
    ])
  })

  it('keeps the longer text where a new writer knows less, and goes on behind it', async () => {
    const { live, reader, join } = await scene(activity({ m: 'abcdef' }, []))
    live.onEphemeral(activity({ m: 'abc' }, []))
    live.onEphemeral(chunk(3, 'defgh'))
    expect(reader.seen).toEqual(['joined 5', 'm+0 abcdef', 'm+6 gh'])
    expect((await join()).seen).toEqual(['joined 5', 'm+0 abcdefgh'])
  })

  it('tells nothing behind a hole until the text is whole again', async () => {
    const { live, reader } = await scene(activity({ m: 'ab' }, []))
    live.onEphemeral(chunk(4, 'ef'))
    live.onEphemeral(chunk(1, 'b'))
    expect(reader.seen).toEqual(['joined 5', 'm+0 ab'])
    live.onEphemeral(activity({ m: 'abcdef' }, []))
    expect(reader.seen.slice(2)).toEqual(['m+2 cdef'])
  })

  it('forgets a stream with its message, its deletion, its channel, and where nobody writes it any more', async () => {
    const { live, join } = await scene(activity({ m: 'a', n: 'b', o: 'c', p: 'd' }, ['q']))
    live.onEntries(CHANNEL, [posted(6, 'm', 'a')])
    live.onEntries(CHANNEL, [
      { kind: 'deleted', channelId: CHANNEL, seq: 7, at: 1, messageId: 'n', messageSeq: 6 },
    ])
    expect((await join()).seen).toEqual(['joined 7 q thinking', 'o+0 c', 'p+0 d'])
    live.onEphemeral(activity({ o: 'c' }, ['q']))
    expect((await join()).seen).toEqual(['joined 7 q thinking', 'o+0 c'])
    live.onEntries(CHANNEL, [entry(8, 'removed')])
    expect((await join()).seen).toEqual(['joined 8'])
  })

  it('tells of a stream that left nothing what was shown of it, once, and nothing where nothing was', async () => {
    const { live, reader, join } = await scene(activity({ m: 'ab', n: 'c', o: 'd' }, []))
    const lost = { kind: 'loss', channelId: CHANNEL, agentId: AGENT, text: '' } as const
    reader.seen.length = 0
    for (const messageId of ['m', 'm', 'unseen']) live.onEphemeral({ ...lost, messageId })
    expect(reader.seen).toEqual(['m lost: ab'])
    // What became a message is none of those of which a new writer knows nothing.
    live.onEntries(CHANNEL, [posted(6, 'n', 'c')])
    live.onEphemeral(activity({}, []))
    expect(reader.seen.slice(1)).toEqual([6, 'o lost: d'])
    expect((await join()).seen).toEqual(['joined 6'])
  })

  it('tells nothing of texts that a new beginning leaves out', async () => {
    const { live, reader } = await scene(activity({ m: 'ab' }, []))
    live.onEphemeral({ kind: 'activity', channelId: CHANNEL, streams: [], turns: [], isCut: true })
    expect(reader.seen).toEqual(['joined 5', 'm+0 ab'])
    // It goes on where it was, and its end is told where no message is.
    live.onEphemeral(chunk(2, 'c'))
    live.onEphemeral({ kind: 'loss', channelId: CHANNEL, messageId: 'm', agentId: AGENT, text: '' })
    expect(reader.seen.slice(2)).toEqual(['m+2 c', 'm lost: abc'])
  })

  it('tells a turn once as long as nothing changes, and its end only where it had begun', async () => {
    const { live, reader } = await scene()
    for (const state of ['idle', 'thinking', 'thinking', 'streaming', 'idle', 'idle'] as const) {
      live.onEphemeral(turn('q', state))
    }
    expect(reader.seen).toEqual(['joined 5', 'q thinking', 'q streaming', 'q idle'])
  })

  it('joins what waits for one that catches up, without a limit of its own', async () => {
    const { live, join } = await scene(activity({ m: 'a' }, []))
    const slow = new Reader()
    const go = held(slow)
    const joining = live.join({ channelId: CHANNEL, follower: slow, onJoined: slow.answered })
    const quick = await join()
    // More frames than may wait.
    for (let offset = 1; offset <= 150; offset += 1) live.onEphemeral(chunk(offset, '.'))
    go()
    await joining
    expect(quick.seen).toHaveLength(152)
    expect(slow.seen).toEqual(['joined 5', 'm+0 a', `m+1 ${'.'.repeat(150)}`])
  })

  it('ends where the follower leaves while it is given the texts', async () => {
    const { live } = await scene(activity({ m: 'a', n: 'b' }, []))
    const slow = new Reader()
    const go = held(slow)
    const joining = live.join({ channelId: CHANNEL, follower: slow, onJoined: slow.answered })
    while (slow.seen.length < 2) await Promise.resolve()
    live.leave(CHANNEL, slow)
    live.onEphemeral(chunk(1, 'x'))
    go()
    await joining
    expect(slow.seen).toEqual(['joined 5', 'm+0 a'])
  })
})

describe('the completion of a message', () => {
  it('is told once, and each one that names no message', async () => {
    const { live, reader } = await scene()
    for (const id of ['a', 'b', 'a', undefined, undefined, 'b']) live.onEphemeral(complete(id))
    expect(reader.seen).toEqual(['joined 5', 'complete', 'complete', 'complete', 'complete'])
  })

  it('is told once to whoever leaves and comes back, also where nobody stayed', async () => {
    const { log, live, reader, join } = await scene()
    live.onEphemeral(complete('a'))
    live.leave(CHANNEL, reader)
    const joining = join()
    log.opens(5)
    const again = await joining
    for (const id of ['a', 'b', 'b']) live.onEphemeral(complete(id))
    expect(again.seen).toEqual(['joined 5', 'complete'])
  })

  it('is remembered of the last 256', async () => {
    const { live, reader } = await scene()
    for (let n = 0; n <= 256; n += 1) live.onEphemeral(complete(`m${n}`))
    reader.seen.length = 0
    live.onEphemeral(complete('m1'))
    live.onEphemeral(complete('m256'))
    expect(reader.seen).toEqual([])
    live.onEphemeral(complete('m0'))
    expect(reader.seen).toEqual(['complete'])
  })
})
