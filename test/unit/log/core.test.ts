import { describe, expect, it, vi } from 'vitest'
import { LogCore } from '../../../src/log/core.ts'
import type { Applied, LogEngine } from '../../../src/log/engine.ts'
import { createMemoryEngine } from '../../../src/log/memory/memory-engine.ts'
import { newId } from '../../../src/util/new-id.ts'
import { channelIn, openInbox, post } from '../../contract/engine-support.ts'
import { loggedProblem } from '../../contract/support/logged-problem.ts'
import { Recorder, Watcher } from '../../contract/support/recorder.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(change: (engine: LogEngine) => LogEngine = (engine) => engine) {
  const memory = createMemoryEngine()
  const channelId = channelIn(memory)
  const onFailure = vi.fn()
  const core = new LogCore({ engine: change(memory), onFailure })
  const submit = (text: string): Promise<Applied> =>
    new Promise((resolve) => {
      core.submit(post(channelId, text), 1, resolve)
    })
  return { core, channelId, onFailure, submit, memory }
}

describe('LogCore', () => {
  it('delivers what was committed together in one call, before any of it is answered', async () => {
    const { core, channelId, submit } = setUp()
    const feed = new Recorder()
    core.attach(feed).follow(channelId)
    const seen: unknown[] = []
    await Promise.all(
      ['a', 'b', 'c'].map((text) => submit(text).then(() => seen.push(feed.calls(channelId)[0]))),
    )
    expect(feed.calls(channelId)).toEqual([[1, 2, 3]])
    expect(seen).toEqual([1, 2, 3].map(() => [1, 2, 3]))
  })

  it('says when a batch is out: behind its entries and its answers', async () => {
    const { core, channelId } = setUp()
    const order: string[] = []
    core
      .attach({
        onEntries: () => order.push('entries'),
        onEphemeral: () => order.push('frame'),
        onBatchEnd: () => order.push('end'),
      })
      .follow(channelId)
    core.submit(post(channelId, 'a'), 1, () => order.push('answer'))
    await turn()
    expect(order).toEqual(['entries', 'answer', 'end'])
  })

  it('drops what is published where as much waits as may, but nothing that it has to say of agents itself', async () => {
    const { core, channelId, submit } = setUp()
    const feed = new Recorder()
    core.attach(feed).follow(channelId)
    const said = submit('ahead of it')
    const typing = { kind: 'typing', entityId: 'ann', isTyping: true, ttlMs: 1 } as const
    for (let count = 0; count <= 20_000; count += 1) core.publish({ channelId, ...typing })
    const ref = { channelId, messageId: 'm', serverId: 's', authorId: 'ann', place: 1 }
    core.turns.begin('host', { ...ref, agentId: 'bot' })
    await said
    const frames = feed.sequence(channelId).filter((one) => one !== 1)
    expect(frames).toHaveLength(20_000 + 1)
    expect(frames.at(-1)).toBe('turn')
    core.publish({ channelId, ...typing })
    expect(feed.sequence(channelId).at(-1)).toBe('typing')
  })

  it('tells the newest place behind a batch for agents, whoever else fails at it', async () => {
    const newestPlace = vi.fn()
    const { core, memory } = setUp((engine) => {
      newestPlace.mockImplementation(engine.newestPlace.bind(engine))
      return Object.assign(engine, { newestPlace })
    })
    openInbox(memory, 'bot')
    const channelId = channelIn(memory, { participants: [{ entityId: 'bot', isAgent: true }] })
    const submit = (text: string) =>
      new Promise((resolve) => {
        core.submit(post(channelId, text), 1, resolve)
      })
    core.attach(new Recorder())
    await submit('nobody wants to know')
    expect(newestPlace).not.toHaveBeenCalled()
    const order: string[] = []
    core.attach({
      onEntries: () => order.push('entries'),
      onEphemeral: () => undefined,
      onBatchEnd: () => order.push('end'),
      onCommitted: (place) => {
        order.push(`committed ${place}`)
        throw new Error('broken consumer')
      },
    })
    const watcher = new Watcher()
    core.attach(watcher)
    await Promise.all(['b', 'c'].map(submit))
    expect(order).toEqual(['end', 'committed 3'])
    expect([watcher.places, newestPlace.mock.calls.length]).toEqual([[3], 1])
  })

  it('logs that old failures had to go', async () => {
    const { logger, problem } = loggedProblem('warn')
    const memory = createMemoryEngine()
    const core = new LogCore({
      engine: Object.assign(memory, {
        apply: () => [{ outcome: { place: 1, failuresDropped: 7 }, entries: [] }],
      }),
      onFailure: vi.fn(),
      logger,
    })
    const command = { type: 'settle', id: newId(), agentId: 'bot', upTo: 1 } as const
    core.submit(command, 1, () => undefined)
    expect(JSON.parse(await problem)).toMatchObject({ agentId: 'bot', failuresDropped: 7 })
  })

  it('delivers nothing twice to a consumer that follows from within a delivery', async () => {
    const { core, channelId, memory, submit } = setUp()
    const otherId = channelIn(memory)
    const seqs: number[] = []
    const positions: number[] = []
    const attachment = core.attach({
      onEntries: (id, entries) => {
        if (id === otherId) seqs.push(...entries.map(({ seq }) => seq))
        else if (positions.length === 0) positions.push(attachment.follow(otherId))
      },
      onEphemeral: () => undefined,
    })
    attachment.follow(channelId)
    const first = submit('a')
    const answered = new Promise((resolve) => {
      core.submit(post(otherId, 'same batch'), 1, resolve)
    })
    await Promise.all([first, answered])
    await new Promise((resolve) => {
      core.submit(post(otherId, 'later'), 1, resolve)
    })
    expect(positions).toEqual([1])
    expect(seqs).toEqual([2])
  })

  it('delivers frames behind the commits that they wait for, and drops those beyond 20,000', async () => {
    const { core, channelId, submit } = setUp()
    const feed = new Recorder()
    core.attach(feed).follow(channelId)
    const tell = (messageId: string): void =>
      core.publish({ kind: 'complete', channelId, serverId: 'server', messageId })
    const publishMany = (): void => {
      for (let index = 0; index < 20_001; index += 1) tell(String(index))
    }
    for (const round of [1, 2]) {
      const stored = submit(`message ${round}`)
      publishMany()
      expect(feed.sequence(channelId)).toHaveLength((round - 1) * 20_001)
      await stored
      expect(feed.sequence(channelId).slice(-20_001, -19_999)).toEqual([round, '0'])
      expect(feed.sequence(channelId).at(-1)).toBe('19999')
    }
    tell('nothing waits')
    expect(feed.sequence(channelId).at(-1)).toBe('nothing waits')
  })

  it('goes on for the others when a consumer throws', async () => {
    const { core, channelId, submit, onFailure } = setUp()
    const broken = {
      onEntries: () => {
        throw new Error('broken consumer')
      },
      onEphemeral: () => undefined,
    }
    core.attach(broken).follow(channelId)
    const feed = new Recorder()
    core.attach(feed).follow(channelId)
    expect(await submit('a')).toMatchObject({ outcome: { seq: 1 } })
    expect(feed.seqs(channelId)).toEqual([1])
    expect(onFailure).not.toHaveBeenCalled()
  })

  it('answers WRITER_UNAVAILABLE and reports it when storage fails, and publishes nothing', async () => {
    const disk = new Error('the disk is gone')
    const { core, channelId, submit, onFailure } = setUp((engine) =>
      Object.assign(engine, {
        apply: () => {
          throw disk
        },
      }),
    )
    const feed = new Recorder()
    core.attach(feed).follow(channelId)
    const results = await Promise.all([submit('a'), submit('b')])
    for (const result of results)
      expect(result).toMatchObject({ error: { code: 'WRITER_UNAVAILABLE' } })
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(disk)
    expect(feed.seqs(channelId)).toEqual([])
  })

  it('lets the engine erase in the background until nothing is left', async () => {
    let left = 3
    const sweep = vi.fn(() => {
      left -= 1
      return left > 0
    })
    const { core } = setUp((engine) => Object.assign(engine, { sweep }))
    core.start()
    await expect.poll(() => left).toBe(0)
    expect(sweep).toHaveBeenCalledTimes(3)
    core.close()
  })
})
