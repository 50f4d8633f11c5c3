import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { changeAtRandom, Changer, seeded } from './support/changes.ts'
import { killAtOnce, openRun, RESUME_ANY_GAP } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startServer({ PARLEY_GATEWAYS: '3', ...RESUME_ANY_GAP })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

describe('kill -9 of the writer in mid-load', { timeout: TEST_TIMEOUT_MS }, () => {
  it('costs clients a pause and nothing else, several times over', async () => {
    await using run = await openRun(server.url, {
      name: 'paused',
      clientCount: 15,
      channelCount: 3,
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    run.load.start()
    for (const share of [0.2, 0.45, 0.7]) {
      await run.load.reached(share)
      const pid = await server.kill('writer')
      await server.healed([pid])
    }
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    // Nobody was disconnected or refused, and nobody had to send anything twice.
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
    expect(evidence.acknowledged).toBe(15 * 250 + 3)
  })

  it('keeps edits, deletions and clears exact', async () => {
    await using run = await openRun(server.url, {
      name: 'changed',
      clientCount: 9,
      channelCount: 3,
      load: { messagesPerSender: 300, windowSize: 6 },
    })
    let isOver = false
    const changers = [0, 1].map((index) => new Changer(server.url, `changer-${index}`))
    const changing = changers.map((changer, index) =>
      changeAtRandom(
        changer,
        () => run.load.acknowledged.filter((_, at) => at % changers.length === index),
        { isOver: () => isOver, pick: seeded(10 + index) },
      ),
    )
    run.load.start()
    for (const share of [0.3, 0.7]) {
      await run.load.reached(share)
      await Promise.all([server.kill('writer'), changers[0]?.clear(run.channels[0] ?? '')])
    }
    await run.load.done()
    isOver = true
    await Promise.all(changing)
    const { violations, evidence } = await run.judge(
      server,
      changers.map(({ journal }) => journal),
    )
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
    await server.healed()
  })

  it('sends no client back that changes its gateway while the feeds catch up', async () => {
    await using run = await openRun(server.url, {
      name: 'churn',
      clientCount: 12,
      channelCount: 3,
      load: { messagesPerSender: 300, windowSize: 8 },
    })
    run.load.start()
    const steps = Array.from({ length: 24 }, (_, index) => (index + 1) / 26)
    for (const [step, share] of steps.entries()) {
      await run.load.reached(share)
      if (step % 8 === 4) await server.kill('writer')
      for (const client of run.clients.filter((_, index) => index % 3 === step % 3)) {
        client.socket.io.engine.close()
      }
    }
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(evidence.recovered).toBeGreaterThan(80)
    await server.healed()
  })

  it('together with a gateway loses nothing either', async () => {
    await using run = await openRun(server.url, {
      name: 'both',
      clientCount: 15,
      channelCount: 3,
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    run.load.start()
    for (const share of [0.3, 0.65]) {
      await run.load.reached(share)
      const [writer, gateway] = [await server.pids('writer'), await server.pids('gateway')]
      await server.healed(killAtOnce(writer[0], gateway[0]))
    }
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(evidence.repeated).toBeGreaterThan(0)
    expect(evidence.recovered).toBeGreaterThan(0)
  })
})
