import { describe, expect, it } from 'vitest'
import { ChannelError } from '../../../src/protocol/errors.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { Sizes } from '../../../src/service/sizes.ts'

const BOUNDS = {
  maxMessageBytes: 10,
  maxAttachmentBytes: 20,
  maxMetadataBytes: 20,
  maxJsonDepth: 2,
  maxPageRows: 5,
}

type Parts = Parameters<Sizes['checkMessage']>[0]

/** How a message is refused; undefined when it is taken. */
function refusal(parts: Parts, bounds = BOUNDS): string | undefined {
  try {
    new Sizes(bounds).checkMessage(parts)
    return undefined
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error
    return `${error.code} ${error.message}`
  }
}

const tooLarge = (field: string, bytes: number, maxBytes: number): string =>
  `PAYLOAD_TOO_LARGE ${field}: ${bytes} bytes are too large, at most ${maxBytes} are taken`

/** JSON of so many bytes, in letters of two. */
const sized = (bytes: number) => ({
  k: `${'é'.repeat((bytes - 8) / 2 - 1)}xx${'x'.repeat(bytes % 2)}`,
})

describe('the size of a message', () => {
  it.each([
    ['abcdefghij', undefined],
    ['abcdefghijk', 11],
    ['ééééé', undefined],
    ['éééééx', 11],
    ['€€€x', undefined],
    ['€€€xx', 11],
    ['😀😀xx', undefined],
    ['😀😀xxx', 11],
    // Half a surrogate pair is stored as U+FFFD, of three bytes.
    ['\uD83D\uD83D\uD83Dx', undefined],
    ['\uD83D\uD83D\uD83Dxx', 11],
  ])('is counted in bytes of UTF-8: %j', (text, bytes) => {
    expect(refusal({ text })).toBe(bytes && tooLarge('text', bytes, 10))
  })

  it('counts the JSON of its parts, each by itself', () => {
    const at = sized(20)
    const past = sized(21)
    const bytes = [at, past].map((value) => Buffer.byteLength(JSON.stringify(value)))
    expect(bytes).toEqual([20, 21])
    expect(refusal({ metadata: at, raw: at, attachments: ['x'.repeat(16)] })).toBeUndefined()
    expect(refusal({ metadata: past })).toBe(tooLarge('metadata', 21, 20))
    expect(refusal({ raw: past })).toBe(tooLarge('raw_message', 21, 20))
    expect(refusal({ attachments: ['x'.repeat(17)] })).toBe(tooLarge('attachments', 21, 20))
  })

  it('is nothing for what holds nothing, so that a bound of 0 means none', () => {
    const bounds = { ...BOUNDS, maxAttachmentBytes: 0, maxMetadataBytes: 0 }
    expect(refusal({ attachments: [], metadata: {}, raw: {} }, bounds)).toBeUndefined()
    expect(refusal({ metadata: { a: 1 } }, bounds)).toBe(tooLarge('metadata', 7, 0))
  })

  it('is refused where its parts are nested more deeply than the server takes', () => {
    expect(refusal({ metadata: { a: { b: 1 } } })).toBeUndefined()
    const words = 'is nested too deeply, at most 2 levels are taken'
    expect(refusal({ metadata: { a: { b: {} } } })).toBe(`INVALID_PAYLOAD metadata: ${words}`)
    expect(refusal({ attachments: [{ b: [] }] })).toBe(`INVALID_PAYLOAD attachments: ${words}`)
    expect(refusal({ raw: { a: { b: [] } } })).toBe(`INVALID_PAYLOAD raw_message: ${words}`)
  })

  it('may be what the protocol takes at most, by default', () => {
    const words = 'x'.repeat(LIMITS.maxMetadataBytes - JSON.stringify({ words: '' }).length)
    expect(refusal({ metadata: { words } }, LIMITS)).toBeUndefined()
    const past = { metadata: { words: `${words}x` } }
    expect(refusal(past, LIMITS)).toBe(tooLarge('metadata', 65_537, 65_536))
  })
})

describe('a page', () => {
  it('has the rows that are asked for, and no more than it may have', () => {
    const sizes = new Sizes(BOUNDS)
    expect([0, 4, 5, 6, 500].map((asked) => sizes.pageRows(asked))).toEqual([0, 4, 5, 5, 5])
  })
})
