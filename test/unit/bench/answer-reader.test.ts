import { describe, expect, it } from 'vitest'
import { AnswerReader } from '../../bench/rest/answer-reader.ts'

const answer = (body: string, ...headers: string[]): string =>
  ['HTTP/1.1 201 Created', `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join(
    '\r\n',
  )

describe('the reader of answers', () => {
  it('tells an answer once its last byte is there, however the reads cut it', () => {
    const bytes = Buffer.from(answer('{"text":"grüße"}', 'Connection: keep-alive'))
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const reader = new AnswerReader()
      const readBuffer = Buffer.from(bytes.subarray(0, cut))
      expect(reader.push(readBuffer)).toBeUndefined()
      // The kernel's next read lands in the same buffer.
      readBuffer.fill(0)
      expect(reader.push(bytes.subarray(cut))).toMatchObject({ status: 201, closes: false })
    }
  })

  it('tells the next answer of the same connection', () => {
    const reader = new AnswerReader()
    expect(reader.push(Buffer.from(answer('one')))).toMatchObject({ status: 201 })
    const second = answer('').replace('201 Created', '503 Service Unavailable')
    expect(reader.push(Buffer.from(second))).toMatchObject({ status: 503 })
  })

  it('says that the server closes behind its answer', () => {
    const bytes = Buffer.from(answer('{}', 'Connection: close'))
    expect(new AnswerReader().push(bytes)).toMatchObject({ closes: true })
  })

  it('refuses what it would miscount: bytes behind an answer, an answer without a length', () => {
    const twice = Buffer.from(answer('one') + answer('two'))
    expect(() => new AnswerReader().push(twice)).toThrow('behind')
    const chunked = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    expect(() => new AnswerReader().push(chunked)).toThrow('content-length')
  })
})
