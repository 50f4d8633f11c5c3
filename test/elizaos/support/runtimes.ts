import { AgentRuntime, ModelType } from '@elizaos/core'
import type { EntityPayload, MessagePayload, Plugin, UUID } from '@elizaos/core'
import { MemoryAdapter } from './memory-adapter.ts'

export interface RuntimeOptions {
  readonly name: string
  /** Of its name where there is none. */
  readonly id?: UUID
  readonly plugin: Omit<Plugin, 'name' | 'description'>
}

export interface TestRuntime {
  readonly runtime: AgentRuntime
  readonly database: MemoryAdapter
}

/** A runtime without one complains. */
const EMBEDDINGS: Plugin = {
  name: 'embeddings',
  description: 'for tests',
  models: { [ModelType.TEXT_EMBEDDING]: async () => [0] },
}

/** elizaOS's own runtime, initialized, with a database in memory and this plugin alone. */
export async function createRuntime({ name, id, plugin }: RuntimeOptions): Promise<TestRuntime> {
  const database = new MemoryAdapter()
  const runtime = new AgentRuntime({
    character: {
      name,
      ...(id !== undefined && { id }),
      bio: [`${name} is a test.`, 'Nothing else.'],
    },
    adapter: database.asAdapter(),
    plugins: [EMBEDDINGS, { name: `plugin-${name}`, description: 'for tests', ...plugin }],
  })
  await runtime.initialize()
  return { runtime, database }
}

/** A plugin that notes what joins, and answers what is received with what `answer` says to its text. */
export function answering(
  answer: (text: string, payload: MessagePayload) => Promise<void> | void,
  onJoined: (payload: EntityPayload) => void = () => undefined,
): RuntimeOptions['plugin'] {
  return {
    events: {
      MESSAGE_RECEIVED: [
        async (payload) => {
          await answer(payload.message.content.text ?? '', payload)
          payload.onComplete?.()
        },
      ],
      ENTITY_JOINED: [
        async (payload) => {
          onJoined(payload)
        },
      ],
    },
  }
}

/** A model that says these words, as elizaOS's prompts ask for them. */
export const modelAnswer = (text: string, action = 'REPLY'): string =>
  `<response><thought>they asked</thought><actions>${action}</actions><providers></providers><text>${text}</text></response>`

/** A provider of models that says this to every prompt; in pieces where the caller can take them. */
export function model(pieces: readonly string[]): RuntimeOptions['plugin'] {
  const say = async (_runtime: unknown, { stream }: { readonly stream?: unknown }) => {
    const text = pieces.join('')
    if (stream !== true) return text
    return {
      textStream: (async function* () {
        yield* pieces
      })(),
      text: Promise.resolve(text),
      usage: Promise.resolve(undefined),
      finishReason: Promise.resolve('stop'),
    }
  }
  return {
    models: {
      [ModelType.TEXT_SMALL]: say,
      [ModelType.TEXT_LARGE]: say,
    },
  }
}
