import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameDecoder, FrameError } from '../../../src/ipc/frames.ts'

type Seen = readonly [kind: number, text: string]

function decodeAll(chunks: readonly Buffer[], maxFrameBytes = 1_000): readonly Seen[] {
  const seen: Seen[] = []
  const decoder = new FrameDecoder(maxFrameBytes, (kind, payload) => {
    seen.push([kind, payload.toString()])
  })
  for (const chunk of chunks) decoder.push(chunk)
  return seen
}

describe('frames', () => {
  const frames: readonly Seen[] = [
    [17, 'first'],
    [0, ''],
    [255, 'ä€😀'],
  ]
  const stream = Buffer.concat(frames.map(([kind, text]) => encodeFrame(kind, text)))

  it('come out as they went in, wherever the stream is split in two', () => {
    for (let at = 0; at <= stream.length; at += 1) {
      expect(decodeAll([stream.subarray(0, at), stream.subarray(at)])).toEqual(frames)
    }
  })

  it('come out as they went in when the stream arrives byte by byte', () => {
    expect(decodeAll([...stream].map((byte) => Buffer.from([byte])))).toEqual(frames)
  })

  it('come out as they went in, however the stream is cut', () => {
    const frame = fc.tuple(fc.nat({ max: 255 }), fc.string({ unit: 'binary', maxLength: 300 }))
    const cuts = fc.array(fc.nat({ max: 2_000 }))
    fc.assert(
      fc.property(fc.array(frame), cuts, (sent, positions) => {
        const encoded = sent.map(([kind, text]) => encodeFrame(kind, Buffer.from(text)))
        const bytes = Buffer.concat(encoded)
        const sorted = [0, ...positions.toSorted((a, b) => a - b), bytes.length]
        const chunks = sorted.map((from, index) => bytes.subarray(from, sorted[index + 1]))
        expect(decodeAll(chunks, 2_000)).toEqual(
          sent.map(([kind, text]) => [kind, Buffer.from(text).toString()]),
        )
      }),
    )
  })

  it('are the same from a string and from its bytes', () => {
    expect(encodeFrame(7, '€uro')).toEqual(encodeFrame(7, Buffer.from('€uro')))
  })

  it('of exactly the largest size pass, one byte more is refused as soon as the header is there', () => {
    const payload = 'x'.repeat(100)
    expect(decodeAll([encodeFrame(1, payload)], 100)).toEqual([[1, payload]])
    const header = encodeFrame(1, `${payload}x`).subarray(0, 5)
    expect(() => decodeAll([header], 100)).toThrow(FrameError)
  })

  it('refuse a stream that is something else', () => {
    expect(() => decodeAll([Buffer.from('GET / HTTP/1.1\r\n')])).toThrow(FrameError)
  })
})
