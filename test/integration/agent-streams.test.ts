import { describe, expect, it } from 'vitest'
import type { MessageStream, SentMessage } from '../../src/agent/message-worker.ts'
import { createDeferred } from '../../src/util/deferred.ts'
import { newId } from '../../src/util/new-id.ts'
import { said, saidSomething, setUp, shown, told } from './support/agent-streams.ts'
import type { Handler } from './support/agent-streams.ts'
import { AgentWorld } from './support/agent-world.ts'

const ASIDE = 'worker failed: message set aside'
const AGAIN = 'worker failed: message is handed out again'

describe.each(['memory', 'sqlite'] as const)('streams of agents, on a %s log', (kind) => {
  it('are shown while they are written, and become the message that they are', async () => {
    await using world = new AgentWorld(kind)
    const sent: (SentMessage | undefined)[] = []
    const { channelId } = await setUp(world, async (_message, _env, ctx) => {
      const stream = ctx.stream()
      for (const word of ['one ', 'two ', 'three']) await stream.write(word)
      sent.push(await stream.end({ thought: 'counting', metadata: { till: 3 } }))
      sent.push(await ctx.reply('and a reply'))
    })
    const id = await world.say(channelId, 'count')
    await saidSomething(world, channelId, 2)
    const [, streamed, reply] = await world.messages(channelId)
    expect(streamed).toMatchObject({
      id: sent[0]?.id,
      authorId: 'Agent',
      clientMessageId: `re:${id}:1`,
      body: {
        text: 'one two three',
        senderName: 'Agent',
        source: 'agent_response',
        inReplyTo: id,
        hops: 1,
        raw: { thought: 'counting' },
        metadata: { till: 3 },
      },
    })
    expect(streamed?.body.stream).toBeUndefined()
    expect(reply?.clientMessageId).toBe(`re:${id}:2`)
    expect(sent).toMatchObject([
      { seq: 2, isDuplicate: false },
      { seq: 3, isDuplicate: false },
    ])
    expect(shown(world)).toEqual(new Map([[streamed?.id, 'one two three']]))
  })

  it('end with the handler: complete when it returns', async () => {
    await using world = new AgentWorld(kind)
    const { channelId } = await setUp(world, async (_message, _env, ctx) => {
      ctx.stream()
      await ctx.stream().write('first')
      void ctx.stream().write('second')
    })
    await world.say(channelId, 'x')
    await saidSomething(world, channelId, 2)
    expect(new Set(await said(world, channelId))).toEqual(new Set(['first', 'second']))
    expect(world.saying(AGAIN)).toEqual([])
  })

  it('fail with the handler: what was shown stands, its reasons stay with the operator, and it is not run again', async () => {
    await using world = new AgentWorld(kind)
    const seen: string[] = []
    const { channelId } = await setUp(world, async ({ text }, _env, ctx) => {
      seen.push(text)
      const stream = ctx.stream()
      if (text !== 'at once') await stream.write('half of ')
      if (text !== 'good') throw new Error('secret reason')
      await stream.write('it')
    })
    await world.say(channelId, 'bad')
    await world.say(channelId, 'at once')
    await world.say(channelId, 'good')
    await saidSomething(world, channelId, 2)
    expect(await said(world, channelId)).toEqual([
      'half of  (failed: the agent failed)',
      'half of it',
    ])
    // Of what nobody saw there are three attempts.
    expect(seen).toEqual(['bad', 'at once', 'at once', 'at once', 'good'])
    await world.until(async () => (await world.failures('Agent')).length === 2)
    expect(await world.failures('Agent')).toMatchObject([
      { attempts: 3, reason: 'Error: secret reason' },
      { attempts: 1, reason: 'Error: secret reason' },
    ])
  })

  it('fail when the time is up, whatever the handler does then, and the channel goes on', async () => {
    await using world = new AgentWorld(kind)
    const refused: string[] = []
    const written = createDeferred<MessageStream>()
    const limits = { handlerTimeoutMs: 500 }
    const message: Handler = async ({ text }, _env, ctx) => {
      const stream = ctx.stream()
      await stream.write(text)
      if (text !== 'slow') return
      const isTold = told(ctx)
      written.resolve(stream)
      await isTold
      for (const act of [stream.write('more'), stream.end()]) {
        await act.catch((error: unknown) => refused.push(String(error)))
      }
      await new Promise(() => undefined)
    }
    const { channelId } = await setUp(world, message, limits)
    await world.say(channelId, 'slow')
    await world.say(channelId, 'next')
    await saidSomething(world, channelId, 2)
    expect(await said(world, channelId)).toEqual(['slow (failed: the agent took too long)', 'next'])
    expect(refused).toEqual([
      'Error: stream.write: the stream has failed',
      'Error: stream.end: the stream has failed',
    ])
    expect(world.saying(ASIDE)).toMatchObject([
      { attempt: 1, reason: 'it took longer than 500 ms and did not stop' },
    ])
    const stream = await written.promise
    await expect(stream.write('late')).rejects.toThrow('this work is over: it was told to stop')
  })

  it('are begun anew when somebody retries the failure, and once only, however often that is run', async () => {
    await using world = new AgentWorld(kind)
    let isBroken = true
    const { channelId } = await setUp(
      world,
      async (_message, _env, ctx) => {
        await ctx.stream().write(isBroken ? 'half' : 'whole')
        if (isBroken) throw new Error('broken')
      },
      { pollIntervalMs: 20 },
    )
    const messageId = await world.say(channelId, 'x')
    const retry = () =>
      world.log.append({ type: 'retry-failure', id: newId(), agentId: 'Agent', messageId })
    const settled = () =>
      world.until(async () => {
        const [failure] = await world.failures('Agent')
        return failure?.isRetrying === false
      })
    await settled()
    const [failure] = await world.failures('Agent')
    await retry()
    await saidSomething(world, channelId, 2)
    await settled()
    isBroken = false
    await retry()
    await saidSomething(world, channelId, 3)
    await world.until(async () => (await world.failures('Agent')).length === 0)
    expect(await said(world, channelId)).toEqual([
      'half (failed: the agent failed)',
      'half (failed: the agent failed)',
      'whole',
    ])
    const names = (await world.messages(channelId)).map(({ clientMessageId }) => clientMessageId)
    expect(names.slice(1, 3)).toEqual([
      `re:${messageId}:1`,
      `re:${messageId}:1~${failure?.failedAt}`,
    ])
    expect(new Set(names).size).toBe(4)
  })

  it('say nothing twice: what an earlier run had said to its end is swallowed', async () => {
    await using world = new AgentWorld(kind)
    const sent: (SentMessage | undefined)[] = []
    const { channelId } = await setUp(world, async (_message, _env, ctx) => {
      const stream = ctx.stream()
      await stream.write(`run ${sent.length + 1}`)
      sent.push(await stream.end())
      if (sent.length === 1) throw new Error('after that')
      await ctx.reply('done')
    })
    await world.say(channelId, 'x')
    await saidSomething(world, channelId, 2)
    expect(await said(world, channelId)).toEqual(['run 1', 'done'])
    expect(sent.map((one) => one?.isDuplicate)).toEqual([false, true])
    expect(sent[1]?.id).toBe(sent[0]?.id)
    expect([...shown(world).values()]).toEqual(['run 1'])
  })

  it('of waitUntil go on behind the handler, and end with that work', async () => {
    await using world = new AgentWorld(kind)
    const gate = createDeferred<void>()
    const message: Handler = async ({ text }, _env, ctx) => {
      const stream = ctx.stream()
      await stream.write(text)
      const work = async (): Promise<void> => {
        if (text === 'waits') await gate.promise
        else await told(ctx)
        if (text === 'waits') await stream.write(' no more')
      }
      ctx.waitUntil(work())
    }
    const { channelId, runtime } = await setUp(world, message)
    await world.say(channelId, 'waits')
    await world.say(channelId, 'cancelled')
    await world.say(channelId, 'ends')
    await world.until(() => shown(world).size === 3)
    expect(await said(world, channelId)).toEqual([])
    const messageId = [...shown(world)].find(([, text]) => text === 'cancelled')?.[0] ?? ''
    await world.log.append({ type: 'cancel-stream', id: newId(), channelId, messageId })
    await saidSomething(world, channelId)
    gate.resolve()
    await saidSomething(world, channelId, 2)
    await runtime.drain(1)
    expect(await said(world, channelId)).toEqual([
      'cancelled (cancelled: no error)',
      'waits no more',
      'ends (interrupted: the process that wrote it ended)',
    ])
  })
})
