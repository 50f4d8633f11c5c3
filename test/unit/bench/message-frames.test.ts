import { describe, expect, it } from 'vitest'
import { eventFrame } from '../../bench/load/client-frames.ts'
import { MessageFrames, acknowledgedNumber, sentAtMs } from '../../bench/load/message-frames.ts'

const identity = {
  entityId: '7d3a9f0e-3f5c-4b5e-9a56-0b9b6f0c1d2e',
  channelId: '0d8a2b1c-97e4-4a6f-8f0a-5b7c6d9e1f20',
  messageIdBase: '5a1f0c9b-1111-4222-8333-944444444444',
}

/** The JSON of a client frame: the masking key is zero, so its bytes are plain. */
function payloadOf(frame: Buffer): Readonly<Record<string, string>> {
  const start = frame.indexOf('42[')
  const [event, payload] = JSON.parse(frame.toString('utf8', start + 2))
  expect(event).toBe('2')
  return payload
}

function broadcastFrom(senderId: string): Buffer {
  return Buffer.from(`42["messageBroadcast",${JSON.stringify({ id: 'x', senderId, text: 'y' })}]`)
}

describe('MessageFrames', () => {
  it('makes whole events that differ in number and time only', () => {
    const frames = new MessageFrames(identity)
    const first = payloadOf(frames.frame(1, 12_345.678))
    const second = payloadOf(frames.frame(902, 12_346))
    expect(first['messageId']).toBe('5a1f0c9b-1111-4222-8333-000000000001')
    expect(second['messageId']).toBe('5a1f0c9b-1111-4222-8333-000000000902')
    expect(first['message']).toHaveLength(100)
    const plain = { message: '', messageId: '' }
    expect({ ...first, ...plain }).toEqual({ ...second, ...plain })
  })

  it('finds its own times and numbers again in what a server sends', () => {
    const sent = payloadOf(new MessageFrames(identity).frame(77, 4_511_902.25))
    const broadcast = Buffer.from(
      `42["messageBroadcast",${JSON.stringify({ id: 'x', text: sent['message'] })}]`,
    )
    const ack = Buffer.from(
      `42["messageAck",${JSON.stringify({ clientMessageId: sent['messageId'], messageId: 'x' })}]`,
    )
    expect(sentAtMs(broadcast, 0, broadcast.length)).toBe(4_511_902.25)
    expect(acknowledgedNumber(ack, 0, ack.length)).toBe(77)
  })

  it('tells what it said itself from what others said', () => {
    const frames = new MessageFrames(identity)
    expect(frames.isOwn(broadcastFrom(identity.entityId), 0)).toBe(true)
    expect(frames.isOwn(broadcastFrom(identity.channelId), 0)).toBe(false)
    expect(frames.isOwn(broadcastFrom(`f${identity.entityId.slice(1)}`), 0)).toBe(false)
    expect(frames.isOwn(broadcastFrom('7d'), 0)).toBe(false)
    expect(frames.isOwn(Buffer.from('42["messageBroadcast",{"senderId":"7d'), 0)).toBe(false)
  })

  it('takes nothing from the frame behind the one it looks at', () => {
    const ack = '42["messageAck",{"clientMessageId":"5a1f0c9b-1111-4222-8333-000000000005"}]'
    const bytes = Buffer.from(`42["messageAck",{}]${ack}`)
    expect(acknowledgedNumber(bytes, 0, bytes.length - ack.length)).toBeNaN()
    expect(sentAtMs(bytes, 0, bytes.length)).toBeNaN()
  })
})

describe('eventFrame', () => {
  it('masks with a zero key and writes both length forms', () => {
    const short = eventFrame('1', {})
    expect([...short.subarray(0, 6)]).toEqual([0x81, 0x80 | '42["1",{}]'.length, 0, 0, 0, 0])
    const long = eventFrame('1', { text: 'y'.repeat(300) })
    expect(long[1]).toBe(0x80 | 126)
    expect(long.readUInt16BE(2)).toBe(long.length - 8)
  })
})
