import { EventEmitter, once } from 'node:events'
import type { MessagePayload } from '@elizaos/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MessageReceived } from '../../src/index.ts'
import { PATIENTLY } from '../compat/support/client.ts'
import { rest, restData } from '../cluster/support/rest.ts'
import { startWorld } from './support/eliza-world.ts'
import type { Asked, ElizaWorld } from './support/eliza-world.ts'
import { answering, createRuntime } from './support/runtimes.ts'
import type { TestRuntime } from './support/runtimes.ts'

const LATE = 'what a runtime said behind its handlers is lost'

let world: ElizaWorld
let ada: TestRuntime
let payload: MessageReceived

const test = new EventEmitter()

/** The types of elizaOS's core leave out what its own handlers are not handed. */
const asReceived = (received: MessagePayload): MessageReceived =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  received as unknown as MessageReceived

const HANDLERS: Readonly<Record<string, () => Promise<void> | void>> = {
  'do not wait': () => {
    void payload.callback({ text: 'one' })
    void payload.callback({ text: 'two' })
  },
  'show only': () => {
    void payload.onStreamChunk('shown ')
    void payload.onStreamChunk('only')
  },
  'show and hang': async () => {
    await payload.onStreamChunk('half of')
    await once(test, 'go on')
    void payload.callback({ text: 'too late' })
    test.emit('gone on')
  },
  'answer later': () => undefined,
}

beforeAll(async () => {
  ada = await createRuntime({
    name: 'Ada',
    plugin: answering(async (text, received) => {
      payload = asReceived(received)
      await HANDLERS[text]?.()
    }),
  })
  world = await startWorld({ PARLEY_AGENT_TIMEOUT_MS: '2000', PARLEY_LOG_LEVEL: 'warn' })
  await world.server.registerAgent(ada.runtime)
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const ask = (text: string): Promise<Asked> => world.asked(ada.runtime.agentId, text)

async function saidAfter({ channelId }: Asked): Promise<readonly string[]> {
  const said = await world.said(channelId)
  return said.slice(1).map(({ content }) => content)
}

/** Of the texts that the runtime remembers as its own. */
const remembered = () =>
  [...ada.database.memories.values()].map(({ content }) => String(content.text))

async function failures(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const path = `/api/agents/${ada.runtime.agentId}/failures`
  return (
    await restData<{ readonly failures: readonly Record<string, unknown>[] }>(world.url, { path })
  ).failures
}

async function logged(message: string) {
  const { text } = await rest(world.url, { path: '/api/server/logs' })
  const { logs }: { readonly logs: readonly Record<string, unknown>[] } = JSON.parse(text)
  return logs.filter(({ msg }) => msg === message)
}

describe("a handler of a runtime's", () => {
  it('is understood when it does not wait for what it says', async () => {
    expect(await saidAfter(await ask('do not wait'))).toEqual(['one', 'two'])
    expect(remembered()).toEqual(['one', 'two'])
  })

  it('may only show what it says', async () => {
    expect(await saidAfter(await ask('show only'))).toEqual(['shown only'])
    expect(remembered()).toContain('shown only')
  })

  it('that hangs is given up at its deadline, and what it says later is lost', async () => {
    const asked = await ask('show and hang')
    const { ann, messageId } = asked
    expect(ann.all('messageStreamError')).toMatchObject([{ partialText: 'half of' }])
    await expect.poll(failures, PATIENTLY).toMatchObject([{ messageId, attempts: 1 }])
    const goneOn = once(test, 'gone on')
    test.emit('go on')
    await goneOn
    await ask('show only')
    expect(await saidAfter(asked)).toEqual(['half of'])
  })

  it('that has ended says nothing more: who tries is told, and so is the log', async () => {
    const asked = await ask('answer later')
    const { callback } = payload
    void callback({ text: 'nobody waits' })
    await expect(callback({ text: 'later' })).rejects.toThrow('the handler has ended')
    await expect
      .poll(() => logged(LATE), PATIENTLY)
      .toMatchObject([{ agentName: 'Ada', agentId: ada.runtime.agentId, level: 40 }])
    expect(await saidAfter(asked)).toEqual([])
  })
})
