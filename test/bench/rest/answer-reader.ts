const HEAD_END = Buffer.from('\r\n\r\n')
/** Bytes of one answer; the servers here send none that is larger. */
const MAX_ANSWER_BYTES = 16_000_000

export interface Answered {
  readonly status: number
  /** Whether the server closes the connection behind this answer. */
  readonly closes: boolean
}

/** Where an answer's body begins and ends, and what its head says; undefined while its head is incomplete. */
function readHead(bytes: Buffer): (Answered & { readonly end: number }) | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase()
  const [, length] = /\r\ncontent-length: *(\d+)/.exec(head) ?? []
  if (length === undefined) throw new Error(`an answer without content-length: ${head}`)
  return {
    status: Number(head.slice(9, 12)),
    closes: head.includes('\r\nconnection: close'),
    end: headEnd + HEAD_END.length + Number(length),
  }
}

/** Recognises the whole answers of one HTTP/1.1 connection, one at a time, without looking at their bodies. */
export class AnswerReader {
  #carry: Buffer | undefined

  /** Takes a read; returns the answer that it completes. Bytes behind it are an error: nothing is pipelined. */
  push(bytes: Buffer): Answered | undefined {
    const all = this.#carry === undefined ? bytes : Buffer.concat([this.#carry, bytes])
    if (all.length > MAX_ANSWER_BYTES) throw new Error(`an answer above ${MAX_ANSWER_BYTES} bytes`)
    const answer = readHead(all)
    if (answer === undefined || all.length < answer.end) {
      // The read buffer is overwritten by the next read.
      this.#carry = this.#carry === undefined ? Buffer.from(all) : all
      return undefined
    }
    this.#carry = undefined
    if (all.length > answer.end) throw new Error('bytes behind an answer')
    return answer
  }
}
