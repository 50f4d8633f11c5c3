import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OutgoingStream } from '../../../../src/agent/runtime/outgoing-stream.ts'
import type { ChunkRef } from '../../../../src/log/agent-work.ts'
import type { Command, Outcome } from '../../../../src/log/log.ts'
import { ChannelError } from '../../../../src/protocol/errors.ts'
import type { Message, StreamEnd } from '../../../../src/protocol/model.ts'
import { Sizes } from '../../../../src/service/sizes.ts'

const sizes = new Sizes({
  maxMessageBytes: 100_000,
  maxAttachmentBytes: 100,
  maxMetadataBytes: 100,
  maxJsonDepth: 4,
  maxPageRows: 10,
})

function messageOf(id: string, text: string, state: StreamEnd = 'complete'): Message {
  const stream = state === 'complete' ? {} : { stream: { state } }
  const body = { text, source: 'test', ...stream }
  const times = { createdAt: 7, updatedAt: 7 }
  return { id, channelId: 'c', serverId: 's', seq: 3, authorId: 'agent', body, ...times }
}

const away = (): never => {
  throw new ChannelError('WRITER_UNAVAILABLE')
}

/** What the log answers, and all that it was asked. */
class FakeLog {
  readonly asked: Command[] = []
  readonly chunks: ChunkRef[] = []
  readonly over: string[] = []
  cancelledCount = 0
  /** What was shown when the first end came. */
  shownAtEnd: string | undefined
  open: (messageId: string) => Outcome | Promise<Outcome> = (messageId) => ({
    stream: { messageId, state: 'streaming' },
  })
  end: (command: Extract<Command, { type: 'end-stream' }>) => Outcome = ({
    messageId,
    state,
    body,
  }) => ({
    stream: { messageId, state },
    message: messageOf(messageId, body.text, state),
  })

  async append(command: Command): Promise<Outcome> {
    this.asked.push(command)
    if (command.type === 'open-stream') return this.open(command.message.id)
    if (command.type === 'end-stream') {
      this.shownAtEnd ??= this.chunks.map(({ chunk }) => chunk).join('')
      return this.end(command)
    }
    throw new Error(`unexpected ${command.type}`)
  }

  writeStream(chunk: ChunkRef): void {
    this.chunks.push(chunk)
  }

  stream(): OutgoingStream {
    return new OutgoingStream({
      log: this,
      messageId: 'mine',
      logger: pino({ level: 'silent' }),
      sizes,
      draft: {
        channelId: 'c',
        authorId: 'agent',
        name: 're:m:1',
        again: 're:m:1~5',
        answers: 'm',
        body: { source: 'agent_response', senderName: 'Agent', hops: 1 },
      },
      onOver: (state) => {
        this.over.push(state)
      },
      onCancelled: () => {
        this.cancelledCount += 1
      },
    })
  }

  get ends() {
    return this.asked.flatMap((command) => (command.type === 'end-stream' ? [command] : []))
  }
}

describe('a stream of an agent', () => {
  let log: FakeLog
  let stream: OutgoingStream

  beforeEach(() => {
    log = new FakeLog()
    stream = log.stream()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('begins with its first text, under the name of what it answers', async () => {
    await stream.write('')
    expect(log.asked).toEqual([])
    await stream.write('hello')
    expect(log.asked).toMatchObject([
      {
        type: 'open-stream',
        message: {
          id: 'mine',
          channelId: 'c',
          authorId: 'agent',
          clientMessageId: 're:m:1',
          body: { text: '', source: 'agent_response', senderName: 'Agent', hops: 1 },
        },
        answers: 'm',
        again: 're:m:1~5',
        visibleTo: 'agent',
      },
    ])
    expect(log.chunks).toEqual([{ messageId: 'mine', index: 0, offset: 0, chunk: 'hello' }])
  })

  it('shows what is written in one turn as one chunk, and ends with all of it', async () => {
    const written = [stream.write('a'), stream.write('b')]
    await Promise.all(written)
    void stream.write('c')
    const sent = await stream.end({ text: 'd', metadata: { is: 'it' }, thought: 'hm' })
    expect(log.chunks.map(({ chunk }) => chunk)).toEqual(['ab', 'cd'])
    expect(log.shownAtEnd).toBe('abcd')
    expect(log.chunks.map(({ index, offset }) => [index, offset])).toEqual([
      [0, 0],
      [1, 2],
    ])
    expect(log.ends).toMatchObject([
      {
        messageId: 'mine',
        state: 'complete',
        body: { text: 'abcd', hops: 1, metadata: { is: 'it' }, raw: { thought: 'hm' } },
      },
    ])
    const answer = { id: 'mine', channelId: 'c', seq: 3, createdAt: 7, isDuplicate: false }
    expect(sent).toEqual(answer)
    expect(await stream.end(undefined)).toEqual(answer)
    await expect(stream.write('e')).rejects.toThrow('stream.write: the stream ended')
    await stream.cut('failed')
    expect(log.ends.length).toBe(1)
  })

  it('lets other work go on between two writes, however fast they come', async () => {
    let turns = 0
    let isOver = false
    const counting = (async () => {
      for (; !isOver; turns += 1) await nextTurn()
    })()
    for (let index = 0; index < 100; index += 1) await stream.write('x')
    isOver = true
    await counting
    expect(turns).toBeGreaterThan(50)
  })

  it('is as if it had never been without a text', async () => {
    expect(await stream.end(undefined)).toBeUndefined()
    await log.stream().cut('failed')
    await log.stream().complete()
    expect(log.asked).toEqual([])
  })

  it('refuses what is no text or too large, and goes on', async () => {
    await expect(stream.write(7)).rejects.toThrow(new TypeError('stream.write: must be a text'))
    await stream.write('x'.repeat(99_999))
    await expect(stream.write('xx')).rejects.toThrow('at most 100000 bytes')
    expect(() => stream.end({ text: 1 })).toThrow('stream.end: text: must be a string')
    expect(() => stream.end({ metadata: { a: 'x'.repeat(200) } })).toThrow('metadata')
    await stream.end('x')
    expect(log.ends[0]?.body.text.length).toBe(100_000)
  })

  it('is cut with all that was written, shown or not, and takes nothing more', async () => {
    await stream.write('shown')
    const late = stream.write(' and not yet')
    await stream.cut('failed', 'why')
    await late
    expect(log.ends).toMatchObject([
      { state: 'failed', error: 'why', body: { text: 'shown and not yet' } },
    ])
    expect(log.shownAtEnd).toBe('shown and not yet')
    expect(stream.isLeft).toBe(true)
    await stream.cut('cancelled')
    expect(log.ends.length).toBe(1)
    await expect(stream.write('x')).rejects.toThrow('stream.write: the stream has failed')
    expect(() => stream.end(undefined)).toThrow('stream.end: the stream has failed')
  })

  it('says nothing twice: what an earlier run had said to its end stands', async () => {
    log.open = () => ({
      isDuplicate: true,
      stream: { messageId: 'earlier', state: 'complete' },
      message: messageOf('earlier', 'said before'),
    })
    await stream.write('said')
    await stream.write(' otherwise')
    expect(await stream.end(undefined)).toMatchObject({ id: 'earlier', isDuplicate: true })
    await stream.complete()
    expect(log.chunks).toEqual([])
    expect(log.ends).toEqual([])
  })

  it.each(['cancelled', 'interrupted', 'failed'] as const)(
    'is over where an earlier run left it %s',
    async (state) => {
      log.open = () => ({
        isDuplicate: true,
        stream: { messageId: 'earlier', state },
        message: messageOf('earlier', 'said bef', state),
      })
      await expect(stream.write('said')).rejects.toThrow('before its end')
      expect(log.over).toEqual([state])
      await expect(stream.end(undefined)).rejects.toThrow('before its end')
      await stream.cut('failed')
      expect(log.ends).toEqual([])
      expect(stream.isLeft).toBe(false)
    },
  )

  it('tells that it was cancelled before it was known to have begun', async () => {
    log.open = (messageId) => ({ stream: { messageId, state: 'streaming', isCancelled: true } })
    await stream.write('x')
    expect(log.cancelledCount).toBe(1)
  })

  it('is over where the log had ended it for want of a link', async () => {
    await stream.write('x')
    log.end = ({ messageId }) => ({
      isDuplicate: true,
      stream: { messageId, state: 'interrupted' },
      message: messageOf(messageId, 'x', 'interrupted'),
    })
    await expect(stream.end(undefined)).rejects.toThrow('it was interrupted before its end')
    expect(log.over).toEqual(['interrupted'])
  })

  it('tries its end again while the writer is away, as the same attempt', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await stream.write('x')
    const { end } = log
    log.end = away
    const sent = stream.end(undefined)
    while (log.ends.length < 1) await nextTurn()
    await vi.advanceTimersByTimeAsync(1_000)
    log.end = end
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await sent).toMatchObject({ id: 'mine', isDuplicate: false })
    expect(log.ends.length).toBe(3)
    expect(new Set(log.ends.map(({ id }) => id)).size).toBe(1)
  })

  it('leaves its end to the log when the process ends meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await stream.write('x')
    log.end = away
    const cut = stream.cut('interrupted')
    while (log.ends.length < 1) await nextTurn()
    stream.abandon()
    await vi.advanceTimersByTimeAsync(1_000)
    await cut
    expect(log.ends.length).toBe(2)
  })

  it('is refused as the log refuses it, and leaves nothing', async () => {
    log.open = () => {
      throw new ChannelError('OVERLOADED')
    }
    await expect(stream.write('x')).rejects.toMatchObject({ code: 'OVERLOADED' })
    await expect(stream.write('x')).rejects.toMatchObject({ code: 'OVERLOADED' })
    // The handler has heard of it and may have said it otherwise.
    await stream.complete()
    await stream.cut('failed')
    expect(log.asked.length).toBe(1)
  })

  it('clears up behind a beginning of which nobody knows whether it was one', async () => {
    log.open = away
    await expect(stream.write('never shown')).rejects.toMatchObject({ code: 'WRITER_UNAVAILABLE' })
    await stream.complete()
    expect(log.ends).toMatchObject([{ state: 'interrupted', body: { text: '' } }])
  })
})
