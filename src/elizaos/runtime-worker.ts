import type { JoinEvent, MessageContext, MessageHandlers } from '../agent/message-worker.ts'
import type { AgentWorker } from '../agent/runtime/agent-worker.ts'
import type { WorkerEnv, WorkerMessage } from '../agent/worker.ts'
import type { Logger } from '../telemetry/logger.ts'
import { canonicalId } from '../util/ids.ts'
import type {
  ElizaCallback,
  ElizaEvent,
  ElizaMemory,
  ElizaRuntime,
  OnStreamChunk,
} from './eliza-runtime.ts'
import { connectionOf, entityJoined, JOINED, memoryOf, RECEIVED } from './incoming.ts'
import { RuntimeAnswer } from './outgoing.ts'

/** What a handler of MESSAGE_RECEIVED gets. */
export interface MessageReceived extends ElizaEvent {
  message: ElizaMemory
  /** Says something in answer, at any time until the handler's promise resolves. */
  callback: ElizaCallback
  /** elizaOS's handlers call it at their end; here their promise counts. */
  onComplete: () => void
  /** Shows a piece of the answer while it is written. */
  onStreamChunk: OnStreamChunk
}

/** Whether a handler takes messages; where the runtime cannot tell, one is taken to. */
function isHeard(runtime: ElizaRuntime): boolean {
  if (runtime.getEvent === undefined) return true
  const handlers = runtime.getEvent(RECEIVED) ?? []
  return handlers.length > 0
}

/** Hands an elizaOS runtime what an agent of the workers folder would be handed. */
class RuntimeHandlers implements MessageHandlers {
  readonly #runtime: ElizaRuntime

  constructor(runtime: ElizaRuntime) {
    this.#runtime = runtime
  }

  async join(event: JoinEvent, _env: WorkerEnv, { channel }: MessageContext): Promise<void> {
    await this.#runtime.emitEvent(JOINED, entityJoined(this.#runtime, event, channel))
  }

  /**
   * Handlers of MESSAGE_RECEIVED answer it; where the runtime has none, its message service does, as in elizaOS
   * 1.7, whose own plugins have none.
   *
   * @throws Error when it has neither: the message is set aside rather than passed over in silence.
   */
  async message(message: WorkerMessage, _env: WorkerEnv, context: MessageContext): Promise<void> {
    const runtime = this.#runtime
    const { channel } = context
    await runtime.ensureConnection?.(connectionOf(runtime, message, channel))
    const memory = memoryOf(runtime, message, channel)
    const answer = new RuntimeAnswer({ runtime, message: memory, context })
    try {
      await this.#handle({
        runtime,
        message: memory,
        source: message.source,
        callback: (content) => answer.say(content),
        onComplete: () => undefined,
        onStreamChunk: (chunk) => answer.show(chunk),
      })
      await answer.finish()
    } finally {
      answer.close()
    }
  }

  async #handle(received: MessageReceived): Promise<void> {
    const runtime = this.#runtime
    await runtime.emitEvent(RECEIVED, received)
    if (isHeard(runtime)) return
    const { message, callback, onStreamChunk } = received
    if (!runtime.messageService) {
      throw new Error('the runtime handles no messages: was its initialize() called?')
    }
    await runtime.messageService.handleMessage(runtime, message, callback, { onStreamChunk })
  }
}

/** An agent that a runtime is. */
export interface RuntimeWorker extends AgentWorker {
  readonly agent: AgentWorker['agent'] & { readonly bio: string }
}

export function createRuntimeWorker(runtime: ElizaRuntime, parent: Logger): RuntimeWorker {
  const { agentId, character } = runtime
  const { name, bio = [] } = character
  return {
    agent: { id: canonicalId(agentId), name, bio: [bio].flat().join(' ') },
    module: new RuntimeHandlers(runtime),
    handlers: ['message', 'join'],
    env: {},
    logger: parent.child({ agentName: name, agentId }),
  }
}
