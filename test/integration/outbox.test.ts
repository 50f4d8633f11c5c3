import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import { eventPacket } from '../../src/gateway/socket/packets.ts'
import { SharedPackets } from '../../src/gateway/socket/shared-packets.ts'
import { MAX_QUEUE_BYTES, openPair, tcpOf } from './support/outbox-pair.ts'
import type { Pair } from './support/outbox-pair.ts'

const shared = new SharedPackets([eventPacket('messageBroadcast', { text: 'x'.repeat(50_000) })])

async function floodUntilCut(pair: Pair, maxPackets: number): Promise<number> {
  for (let sent = 1; sent <= maxPackets; sent += 1) {
    pair.outbox.send(shared)
    if (pair.isTooSlow()) return sent
    await new Promise((resolve) => setImmediate(resolve))
  }
  return maxPackets
}

describe('the outbox', () => {
  it('cuts a stalled websocket reader at its bound with the code that means reconnect and resume', async () => {
    await using pair = await openPair(['websocket'])
    const tcp = tcpOf(pair.client)
    tcp.pause()
    const sent = await floodUntilCut(pair, 2_000)
    expect(pair.isTooSlow()).toBe(true)
    expect(sent).toBeLessThan(2_000)
    const gone = once(pair.client as never, 'disconnect') as Promise<
      [string, { context?: { code?: number } }?]
    >
    tcp.resume()
    const [reason, details] = await gone
    // Not "io server disconnect", after which stock clients stay away.
    expect(reason).toBe('transport close')
    expect(details?.context?.code).toBe(CLOSE_CODES.READER_TOO_SLOW)
  })

  it('terminates a reader that does not even read the close frame', async () => {
    await using pair = await openPair(['websocket'])
    tcpOf(pair.client).pause()
    const gone = once(pair.serverSocket, 'disconnect')
    await floodUntilCut(pair, 2_000)
    await gone
    expect(pair.serverSocket.connected).toBe(false)
  })

  it('never cuts a reader that keeps up, however much passes', async () => {
    await using pair = await openPair(['websocket'])
    let received = 0
    pair.client.on('messageBroadcast', () => {
      received += 1
    })
    for (let index = 0; index < 200; index += 1) {
      pair.outbox.send(shared)
      const target = index + 1
      while (received < target) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(pair.isTooSlow()).toBe(false)
  })

  it('bounds what waits for a polling client that does not poll', async () => {
    await using pair = await openPair(['polling'])
    // Between two polls everything waits in Engine.IO's buffer; in one turn no poll can come.
    for (let index = 0; index < 100 && !pair.isTooSlow(); index += 1) {
      pair.outbox.send(shared)
    }
    expect(pair.isTooSlow()).toBe(true)
  })

  it.each([['websocket'], ['polling']])(
    'sends any amount at the pace of a %s client that asked for it, in order, and cuts nobody',
    async (transport) => {
      await using pair = await openPair([transport])
      const received: number[] = []
      pair.client.on('messageBroadcast', ({ n }: { n: number }) => received.push(n))
      const portions = Array.from({ length: 40 }, (_, n) =>
        pair.outbox.sendPaced(
          new SharedPackets([
            eventPacket('messageBroadcast', { n, text: 'x'.repeat(MAX_QUEUE_BYTES) }),
          ]),
        ),
      )
      await Promise.all(portions)
      await expect.poll(() => received.length, { timeout: 20_000 }).toBe(40)
      expect(received).toEqual(received.toSorted((a, b) => a - b))
      expect(pair.isTooSlow()).toBe(false)
    },
  )

  it('stops waiting for a client that is gone', async () => {
    await using pair = await openPair(['websocket'])
    tcpOf(pair.client).pause()
    const portions = [1, 2, 3].map(() =>
      pair.outbox.sendPaced(
        new SharedPackets(
          Array.from({ length: 400 }, () =>
            eventPacket('messageBroadcast', { text: 'x'.repeat(50_000) }),
          ),
        ),
      ),
    )
    pair.outbox.dispose()
    await Promise.all(portions)
    tcpOf(pair.client).resume()
  })
})
