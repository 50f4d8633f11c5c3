import { describe, expect, it } from 'vitest'
import { chunkTimes, stampOf } from '../../bench/load/stamps.ts'

function chunkFrame(chunk: string): Buffer {
  const payload = { messageId: 'x', chunk, index: 0, agentId: 'a', channelId: 'c', offset: 0 }
  return Buffer.from(`42["messageStreamChunk",${JSON.stringify(payload)}]`)
}

describe('stamps in the chunks of a stream', () => {
  it('are all found where chunks were coalesced into one', () => {
    const times = [12_345.678, 4_511_902.25, 0.001]
    const frame = chunkFrame(times.map(stampOf).join(''))
    expect(chunkTimes(frame, 0, frame.length)).toEqual(times)
  })

  it('are not looked for in the frame behind', () => {
    const empty = Buffer.from('42["messageStreamChunk",{"messageId":"x"}]')
    const both = Buffer.concat([empty, chunkFrame(stampOf(7))])
    expect(chunkTimes(both, 0, empty.length)).toEqual([])
    expect(chunkTimes(both, empty.length, both.length)).toEqual([7])
  })

  it('are none in other text', () => {
    const frame = chunkFrame('The time is t=5;')
    expect(chunkTimes(frame, 0, frame.length)).toEqual([])
  })
})
