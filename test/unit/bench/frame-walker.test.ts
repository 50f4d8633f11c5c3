import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameWalker } from '../../bench/load/frame-walker.ts'

const TEXT = 1
const CLOSE = 8
const PING = 9

const ignore = (): void => undefined

interface Frame {
  readonly opcode: number
  readonly text: string
}

/** As a server writes it: unmasked, with the shortest length that fits. */
function encode({ opcode, text }: Frame): Buffer {
  const payload = Buffer.from(text)
  const header = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  header[0] = 0x80 | opcode
  if (header.length === 2) header[1] = payload.length
  else if (header.length === 4) {
    header[1] = 126
    header.writeUInt16BE(payload.length, 2)
  } else {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(payload.length), 2)
  }
  return Buffer.concat([header, payload])
}

/** Pushes the bytes in reads of these sizes, in turn, through one buffer that each read overwrites. */
function walk(bytes: Buffer, readSizes: readonly number[]): Frame[] {
  const seen: Frame[] = []
  const see = (opcode: number) => (source: Buffer, start: number, end: number) => {
    seen.push({ opcode, text: source.toString('utf8', start, end) })
  }
  const walker = new FrameWalker({ onText: see(TEXT), onClose: see(CLOSE) })
  const readBuffer = Buffer.alloc(Math.max(...readSizes) + 7)
  for (let offset = 0, read = 0; offset < bytes.length; read += 1) {
    const size = Math.min(readSizes[read % readSizes.length] ?? 1, bytes.length - offset)
    readBuffer.fill(0xff)
    bytes.copy(readBuffer, 7, offset, offset + size)
    walker.push(readBuffer, 7, 7 + size)
    offset += size
  }
  return seen
}

const textOf = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
const lengths = fc.oneof(
  fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536).map((length) => 'x'.repeat(length)),
  textOf(400),
)
const frames = fc.array(fc.record({ opcode: fc.constantFrom(TEXT, CLOSE, PING), text: lengths }), {
  maxLength: 12,
})

describe('FrameWalker', () => {
  it('sees each text and close frame once, whole and in order, however the reads cut the stream', () => {
    const reads = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(frames, reads, (sent, readSizes) => {
        const known = sent
          .filter(({ opcode }) => opcode !== PING)
          .map(({ opcode, text }) => ({ opcode, text: Buffer.from(text).toString('utf8') }))
        expect(walk(Buffer.concat(sent.map(encode)), readSizes)).toEqual(known)
      }),
      { numRuns: 200 },
    )
  })

  it('sees frames of every length form when the bytes come one by one', () => {
    const sent = ['', 'a', 'b'.repeat(125), 'c'.repeat(126), 'd'.repeat(65_536)].map((text) => ({
      opcode: 1,
      text,
    }))
    expect(walk(Buffer.concat(sent.map(encode)), [1])).toEqual(sent)
  })

  it('sees many frames of one read without copying them', () => {
    const bytes = Buffer.concat([
      encode({ opcode: 1, text: '42["a"]' }),
      encode({ opcode: 1, text: '2' }),
    ])
    const sources: Buffer[] = []
    const walker = new FrameWalker({
      onText: (source) => {
        sources.push(source)
      },
      onClose: ignore,
    })
    walker.push(bytes, 0, bytes.length)
    expect(sources).toHaveLength(2)
    expect(sources.every((source) => source === bytes)).toBe(true)
  })

  it('refuses to gather a frame that no server here would send', () => {
    const header = Buffer.alloc(10)
    header[0] = 0x81
    header[1] = 127
    header.writeBigUInt64BE(10_000_000n, 2)
    const walker = new FrameWalker({ onText: ignore, onClose: ignore })
    walker.push(header, 0, header.length)
    const chunk = Buffer.alloc(1_000_000)
    const feed = (): void => {
      for (let count = 0; count < 9; count += 1) walker.push(chunk, 0, chunk.length)
    }
    expect(feed).toThrow(/a frame of more than/)
  })
})
