import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWorld } from './support/eliza-world.ts'
import type { ElizaWorld } from './support/eliza-world.ts'
import { createRuntime, model, modelAnswer } from './support/runtimes.ts'
import type { TestRuntime } from './support/runtimes.ts'

let world: ElizaWorld
let speaker: TestRuntime
let silent: TestRuntime
let streamer: TestRuntime

const PIECES = ['<response><thought>they asked</thought><actions>REPLY</actions><text>Once ']
  .concat(['upon a time there was ', 'a server that ', 'streamed.'])
  .concat(['</text></response>'])

beforeAll(async () => {
  speaker = await createRuntime({ name: 'Speaker', plugin: model([modelAnswer('Good day.')]) })
  silent = await createRuntime({ name: 'Silent', plugin: model([modelAnswer('', 'IGNORE')]) })
  streamer = await createRuntime({ name: 'Streamer', plugin: model(PIECES) })
  world = await startWorld()
  for (const { runtime } of [speaker, silent, streamer]) await world.server.registerAgent(runtime)
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const asked = ({ runtime }: TestRuntime) => world.asked(runtime.agentId, 'speak!')

describe("a runtime without handlers of MESSAGE_RECEIVED, as elizaOS's plugins leave it", () => {
  it('answers with what its model says, through the message service of the core', async () => {
    const { ann, messageId } = await asked(speaker)
    expect(ann.all('messageBroadcast', { inReplyTo: messageId })).toMatchObject([
      { text: 'Good day.', thought: 'they asked', actions: ['REPLY'], senderName: 'Speaker' },
    ])
    const remembered = [...speaker.database.memories.values()].map(({ content }) => content.text)
    expect(remembered).toEqual(['speak!', 'Good day.'])
  })

  it('stays silent when its model ignores the message, which is complete', async () => {
    const { ann, channelId } = await asked(silent)
    await ann.roundTrip()
    expect(ann.all('messageComplete')).toHaveLength(1)
    expect(await world.said(channelId)).toHaveLength(1)
  })

  it('shows its answer while the model writes it', async () => {
    const { ann, messageId } = await asked(streamer)
    const [reply, ...others] = ann.all('messageBroadcast', { inReplyTo: messageId })
    expect(others).toEqual([])
    const text = 'Once upon a time there was a server that streamed.'
    expect(reply).toMatchObject({ text, thought: 'they asked', actions: ['REPLY'] })
    const chunks = ann.all('messageStreamChunk', { messageId: reply?.['id'] })
    expect(chunks.length).toBeGreaterThan(0)
    expect(text.startsWith(chunks.map(({ chunk }) => chunk).join(''))).toBe(true)
  })
})
