import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { STREAM_LIMITS } from '../../../../src/log/work/stream-limits.ts'
import { ChannelError } from '../../../../src/protocol/errors.ts'
import { openCommand, quiet, StreamsUnderTest } from './streams-under-test.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const { ownerGraceMs, startGraceMs, retryMs } = STREAM_LIMITS
/** Until it is looked at again, twice. */
const SOON_MS = 500
const wait = (ms: number): void => {
  vi.advanceTimersByTime(ms)
}

describe('the streams of a process that lost its link', () => {
  it('end as interrupted after two seconds, with all that it wrote, and nobody else’s do', () => {
    const test = new StreamsUnderTest()
    test.open('a')
    test.open('b', { channelId: 'd' })
    test.open('c', { owner: 'other' })
    test.write('a', 0, 'given')
    test.delivered()
    test.write('a', 5, ' and not')
    wait(100)
    test.streams.ownerGone('host')
    wait(ownerGraceMs - 1)
    expect(test.interrupted()).toEqual([])
    wait(SOON_MS)
    expect(test.interrupted()).toEqual(['a: given and not', 'b: '])
    test.end('a')
    test.end('b')
    wait(60_000)
    expect(test.interrupted()).toHaveLength(2)
  })

  it('go on when it claims them over a new one in time', () => {
    const test = new StreamsUnderTest()
    test.open('claimed')
    test.open('forgotten')
    test.write('claimed', 0, 'so')
    test.delivered()
    test.streams.ownerGone('host')
    wait(ownerGraceMs - 200)
    test.streams.ownerBack('host')
    test.claim('claimed', 'so far', { index: 2 })
    expect(test.delivered()).toMatchObject([{ index: 1, offset: 2, chunk: ' far' }])
    test.open('new')
    wait(ownerGraceMs - 1)
    expect(test.interrupted()).toEqual([])
    wait(SOON_MS)
    expect(test.interrupted()).toEqual(['forgotten: '])
    wait(60_000)
    test.write('claimed', 6, '!')
    expect(test.delivered()).toMatchObject([{ offset: 6, chunk: '!' }])
  })

  it('are to be claimed too where the new link is there before the old one is closed', () => {
    const test = new StreamsUnderTest()
    test.streams.ownerBack('host')
    test.open('m')
    test.open('forgotten')
    wait(10_000)
    test.streams.ownerBack('host')
    test.claim('m', '')
    test.streams.ownerGone('host')
    wait(ownerGraceMs + SOON_MS)
    expect(test.interrupted()).toEqual(['forgotten: '])
    test.streams.ownerGone('host')
    wait(ownerGraceMs + SOON_MS)
    expect(test.interrupted()).toContain('m: ')
  })

  it('are ended again where their end is lost or not stored, until one is', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.streams.ownerGone('host')
    wait(ownerGraceMs + SOON_MS)
    expect(test.interrupted()).toHaveLength(1)
    const error = new ChannelError('STORAGE_FULL')
    test.streams.applied(test.submitted[0]!, { error })
    wait(retryMs + SOON_MS)
    wait(retryMs + SOON_MS)
    expect(test.interrupted()).toEqual(['m: ', 'm: ', 'm: '])
    const stream = { messageId: 'm', state: 'interrupted' } as const
    test.streams.applied(test.submitted[2]!, quiet({ stream }))
    wait(60_000)
    expect(test.interrupted()).toHaveLength(3)
  })

  it('end a part at a time where they are many or long', () => {
    const test = new StreamsUnderTest()
    const { endsPerLook, endedCharsPerLook, maxTextChars } = STREAM_LIMITS
    const text = 'x'.repeat(maxTextChars)
    for (let at = 0; at < endsPerLook; at += 1) test.open(`empty${at}`)
    for (let at = 0; at <= endedCharsPerLook / maxTextChars; at += 1) {
      test.open(`long${at}`)
      test.write(`long${at}`, 0, text)
    }
    test.streams.ownerGone('host')
    const counts = new Set<number>()
    for (let waited = 0; waited < ownerGraceMs + 4 * SOON_MS; waited += 50) {
      wait(50)
      counts.add(test.interrupted().length)
    }
    const most = endedCharsPerLook / maxTextChars
    expect([...counts]).toEqual([0, endsPerLook, endsPerLook + most, endsPerLook + most + 1])
  })

  it('go on where they are claimed before it is their turn to be ended', () => {
    const test = new StreamsUnderTest()
    for (let at = 0; at < STREAM_LIMITS.endsPerLook; at += 1) test.open(`m${at}`)
    test.open('last')
    test.streams.ownerGone('host')
    while (test.submitted.length === 0) wait(50)
    test.claim('last', 'on')
    wait(60_000)
    expect(test.interrupted()).toContain('m0: ')
    expect(test.interrupted().filter((one) => one.startsWith('last'))).toEqual([])
    expect(test.delivered()).toMatchObject([{ messageId: 'last', chunk: 'on' }])
  })

  it('are not ended for a time in which the writer itself stood still', () => {
    const test = new StreamsUnderTest()
    test.open('m')
    test.streams.ownerGone('host')
    wait(1_000)
    // As if no timer had fired meanwhile.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
    wait(250)
    expect(test.interrupted()).toEqual([])
    test.streams.ownerBack('host')
    test.claim('m', 'still there')
    vi.restoreAllMocks()
    wait(10_000)
    expect(test.interrupted()).toEqual([])
  })
})

describe('the streams that a new writer finds', () => {
  it('end as interrupted when nobody claims them within five seconds, with their checkpoints', () => {
    const test = new StreamsUnderTest([
      { messageId: 'a', text: 'checkpoint' },
      { messageId: 'b', owner: 'other', text: 'short' },
      { messageId: 'c', text: 'longer than the claim' },
    ])
    expect(test.streams.of('c').map(({ text }) => text)).toEqual([
      'checkpoint',
      'short',
      'longer than the claim',
    ])
    test.claim('b', 'shorter by far', { owner: 'other', index: 3 })
    test.claim('c', 'longer')
    expect(test.delivered()).toMatchObject([
      { messageId: 'b', index: 2, offset: 5, chunk: 'er by far' },
    ])
    wait(startGraceMs - 1)
    expect(test.interrupted()).toEqual([])
    wait(SOON_MS)
    expect(test.interrupted()).toEqual(['a: checkpoint'])
    wait(60_000)
    expect(new Set(test.interrupted())).toEqual(new Set(['a: checkpoint']))
  })

  it('have as long as others from when their process is there', () => {
    const test = new StreamsUnderTest([{ messageId: 'late' }, { messageId: 'never' }])
    wait(startGraceMs - 100)
    test.streams.ownerBack('host')
    wait(SOON_MS)
    test.claim('late', '')
    expect(test.interrupted()).toEqual([])
    wait(ownerGraceMs)
    expect(test.interrupted()).toEqual(['never: '])
  })

  it('are claimed by whoever opens them again, since the answer was lost', () => {
    const test = new StreamsUnderTest([{ messageId: 'm' }])
    const stream = { messageId: 'm', state: 'streaming' } as const
    test.streams.applied(openCommand('m'), quiet({ isDuplicate: true, stream }))
    wait(60_000)
    expect(test.interrupted()).toEqual([])
    expect(test.streams.of('c')).toHaveLength(1)
  })

  it('that somebody wants to end: their process is told when it claims them', () => {
    const test = new StreamsUnderTest([{ messageId: 'm', isCancelled: true }, { messageId: 'n' }])
    test.claim('n', '')
    expect(test.cancelled).toEqual([])
    test.claim('m', '')
    const wished = { type: 'cancel-stream', id: 'x', channelId: 'c', messageId: 'n' } as const
    test.streams.applied(wished, quiet({}))
    test.claim('n', '')
    expect(test.cancelled).toEqual([
      { channelId: 'c', messageId: 'm' },
      { channelId: 'c', messageId: 'n' },
    ])
  })
})
