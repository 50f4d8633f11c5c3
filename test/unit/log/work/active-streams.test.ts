import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { STREAM_LIMITS } from '../../../../src/log/work/stream-limits.ts'
import { ChannelError } from '../../../../src/protocol/errors.ts'
import { openCommand, posted, quiet, StreamsUnderTest } from './streams-under-test.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const textOf = (test: StreamsUnderTest, channelId = 'c') =>
  test.streams.of(channelId).map(({ text }) => text)

const textsOf = (test: StreamsUnderTest) =>
  test.submittedOf('checkpoint-streams').map((one) => one.texts.map(({ text }) => text))

describe('the text of a stream', () => {
  it('goes out in the place of its first chunk, with all that came before that was reached', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.writeChunk({ messageId: 'm', index: 0, offset: 0, chunk: 'one ' })
    test.writeChunk({ messageId: 'm', index: 1, offset: 4, chunk: 'two ' })
    test.writeChunk({ messageId: 'm', index: 2, offset: 8, chunk: 'three' })
    const place = { kind: 'chunk', channelId: 'c', messageId: 'm', agentId: 'bot' }
    expect(test.marks).toEqual([{ ...place, index: 0, offset: 0, chunk: '' }])
    expect(test.delivered()).toEqual([{ ...place, index: 0, offset: 0, chunk: 'one two three' }])
    test.writeChunk({ messageId: 'm', index: 3, offset: 13, chunk: '!' })
    expect(test.delivered()).toEqual([{ ...place, index: 3, offset: 13, chunk: '!' }])
    expect([test.marks, test.streams.take('m')]).toEqual([[], undefined])
  })

  it('may be reached as soon as its place is taken', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    const taken: unknown[] = []
    vi.spyOn(test.marks, 'push').mockImplementation((...frames) => {
      taken.push(...frames.map(({ messageId }) => test.streams.take(messageId)?.chunk))
      return 0
    })
    test.write('m', 0, 'a')
    test.write('m', 1, 'b')
    expect(taken).toEqual(['a', 'b'])
  })

  it('is shown to those who come late as far as the others have it', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.open('elsewhere', { channelId: 'd' })
    expect(test.streams.of('c')).toEqual([{ messageId: 'm', agentId: 'bot', index: 0, text: '' }])
    test.writeChunk({ messageId: 'm', index: 0, offset: 0, chunk: 'ab' })
    expect(test.streams.of('c')).toMatchObject([{ index: 0, text: '' }])
    test.delivered()
    test.writeChunk({ messageId: 'm', index: 1, offset: 2, chunk: 'c' })
    expect(test.streams.of('c')).toMatchObject([{ index: 1, text: 'ab' }])
    expect(test.delivered()).toMatchObject([{ index: 1, offset: 2, chunk: 'c' }])
    expect(test.streams.of('nowhere')).toEqual([])
  })

  it('has no gap and nothing twice, whatever comes', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.write('m', 0, 'abc')
    test.write('m', 0, 'ab')
    test.write('m', 1, 'bcd')
    test.write('m', 6, 'gap')
    test.write('m', 4, '')
    expect(test.delivered().map(({ chunk }) => chunk)).toEqual(['abcd'])
    test.claim('m', 'abcdef')
    test.write('m', 6, 'g')
    expect(test.delivered().map(({ offset, chunk }) => [offset, chunk])).toEqual([[4, 'efg']])
  })

  it('is its own process’s to write', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.writeChunk({ messageId: 'm', index: 0, offset: 0, chunk: 'foreign' }, 'stranger')
    test.claim('m', 'foreign', { owner: 'stranger' })
    test.write('unknown', 0, 'late')
    test.claim('unknown', 'late')
    expect([test.marks, textOf(test)]).toEqual([[], ['']])
  })

  it('ends with its message: what waits and what comes then goes to nobody', () => {
    for (const end of [
      (test: StreamsUnderTest) => test.end('m'),
      (test: StreamsUnderTest) =>
        test.streams.applied({ type: 'delete-channel', id: 'd', channelId: 'c' }, removed()),
      (test: StreamsUnderTest) => test.streams.applied(openCommand('other'), posted('m')),
      (test: StreamsUnderTest) =>
        test.streams.applied(endCommand(), { error: new ChannelError('STREAM_NOT_FOUND') }),
    ]) {
      const test = new StreamsUnderTest()
      test.open('m')
      test.write('m', 0, 'waits')
      end(test)
      test.write('m', 5, ' and comes')
      test.claim('m', 'waits and comes')
      expect([test.delivered(), test.streams.of('c'), test.marks]).toEqual([[], [], []])
    }
  })

  it('goes on where its end was not stored, and where a refused one is not about it', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.streams.applied(endCommand(), { error: new ChannelError('STORAGE_FULL') })
    const clear = { type: 'clear', id: 'x', channelId: 'c' } as const
    test.streams.applied(clear, { error: new ChannelError('CHANNEL_NOT_FOUND') })
    test.write('m', 0, 'on')
    expect(test.delivered()).toMatchObject([{ chunk: 'on' }])
  })

  it('is asked for again where its place was lost', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.write('m', 0, 'a')
    test.marks.length = 0
    vi.advanceTimersByTime(STREAM_LIMITS.retryMs / 2)
    test.write('m', 1, 'b')
    expect(test.marks).toEqual([])
    vi.advanceTimersByTime(2 * STREAM_LIMITS.retryMs)
    expect(test.delivered().map(({ chunk }) => chunk)).toEqual(['ab'])
    vi.advanceTimersByTime(10 * STREAM_LIMITS.retryMs)
    expect(test.marks).toEqual([])
  })
})

describe('too much text', () => {
  const { maxTextChars, maxTotalChars } = STREAM_LIMITS

  it('of one stream is left out from there on, never in the middle of a character', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    const most = 'x'.repeat(maxTextChars - 1)
    test.write('m', 0, most)
    test.write('m', most.length, '🙂!')
    test.write('m', most.length + 3, 'more')
    test.claim('m', `${most}🙂!more`)
    expect(test.delivered().map(({ chunk }) => chunk === most)).toEqual([true])
  })

  it('in all streams is left out until others end, and comes with the next claim', () => {
    const test = new StreamsUnderTest()
    const full = 'x'.repeat(maxTextChars)
    for (let at = 0; at < maxTotalChars / maxTextChars; at += 1) {
      test.open(`m${at}`, { channelId: 'd' })
      test.write(`m${at}`, 0, full)
    }
    test.open('m')
    test.write('m', 0, 'early')
    test.end('m0')
    test.write('m', 5, ' late')
    expect([test.streams.take('m'), textOf(test)]).toEqual([undefined, ['']])
    test.claim('m', 'early late')
    expect(test.streams.take('m')?.chunk).toBe('early late')
  })
})

describe('a name that another process left open', () => {
  it('has its stream ended ahead of the stream or message that takes it', () => {
    const post = {
      type: 'post',
      id: 'p',
      message: openCommand('n', { name: 'name:m' }).message,
    } as const
    const stranger = { owner: 'stranger', name: 'name:m' }
    for (const [command, owner] of [
      [openCommand('n', stranger), 'stranger'],
      [{ ...openCommand('n', { owner: 'stranger' }), again: 'name:m' }, 'stranger'],
      [post, 'host'],
    ] as const) {
      const test = new StreamsUnderTest()
      test.open('m')
      test.write('m', 0, 'said')
      test.streams.submitting(command, owner)
      test.streams.submitting(command, owner)
      expect(test.submitted).toMatchObject([
        {
          type: 'end-stream',
          messageId: 'm',
          state: 'interrupted',
          error: 'the process that wrote it ended',
          body: { text: 'said', source: 'test' },
        },
      ])
      test.write('m', 4, ' too late')
      test.claim('m', 'said too late')
      expect(test.delivered().map(({ chunk }) => chunk)).toEqual(['said'])
    }
  })

  it('is none of another author, channel or name, nor of the process itself, nor of others who speak for it', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    const owner = 'stranger'
    for (const parts of [
      { authorId: 'another', name: 'name:m', owner },
      { channelId: 'd', name: 'name:m', owner },
      { name: 'other', owner },
      { name: 'name:m', owner: 'host' },
    ]) {
      test.streams.submitting(openCommand('n', parts), parts.owner)
    }
    const { message } = openCommand('n', { name: 'name:m' })
    test.streams.submitting({ type: 'post', id: 'p', message, visibleTo: 'eve' }, owner)
    expect(test.submitted).toEqual([])
  })

  it('is the new stream’s alone when the old one left no message', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    const stream = { messageId: 'n', state: 'streaming' } as const
    test.streams.applied(openCommand('n', { owner: 'stranger', name: 'name:m' }), quiet({ stream }))
    expect(test.streams.of('c').map(({ messageId }) => messageId)).toEqual(['n'])
  })
})

describe('the checkpoints', () => {
  it('hold what changed, at most one in two seconds, and nothing of what has ended', () => {
    const test = new StreamsUnderTest()
    for (const messageId of ['a', 'b', 'c']) test.open(messageId)
    test.write('a', 0, 'a')
    test.write('b', 0, 'b')
    test.write('c', 0, 'c')
    test.end('c')
    vi.advanceTimersByTime(500)
    expect(textsOf(test)).toEqual([['a', 'b']])
    test.write('b', 1, 'b')
    vi.advanceTimersByTime(STREAM_LIMITS.checkpointPauseMs - 500)
    expect(textsOf(test)).toHaveLength(1)
    vi.advanceTimersByTime(STREAM_LIMITS.checkpointPauseMs)
    expect(textsOf(test)).toEqual([['a', 'b'], ['bb']])
    vi.advanceTimersByTime(60_000)
    expect(textsOf(test)).toHaveLength(2)
  })

  it('are bounded, one stream in any case, and take turns', () => {
    const test = new StreamsUnderTest()
    const half = 'x'.repeat(STREAM_LIMITS.checkpointChars / 2 - 5)
    for (const messageId of ['a', 'b', 'c', 'd']) {
      test.open(messageId)
      test.write(messageId, 0, half)
    }
    const ids = () =>
      test.submittedOf('checkpoint-streams').map((one) => one.texts.map((each) => each.messageId))
    vi.advanceTimersByTime(1_000)
    test.write('a', half.length, 'x')
    vi.advanceTimersByTime(3 * STREAM_LIMITS.checkpointPauseMs)
    expect(ids()).toEqual([['a', 'b'], ['c', 'd'], ['a']])
  })

  it('are not stored by a process that has stopped', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.write('m', 0, 'a')
    test.streams.ownerGone('host')
    test.streams.stop()
    vi.advanceTimersByTime(60_000)
    expect(test.submitted).toEqual([])
  })
})

function endCommand() {
  const body = { text: 'x', source: 'test' }
  return { type: 'end-stream', id: 'e', messageId: 'm', state: 'complete', body } as const
}

function removed() {
  return { outcome: {}, entries: [{ kind: 'removed', channelId: 'c', seq: 1, at: 1 }] } as const
}
