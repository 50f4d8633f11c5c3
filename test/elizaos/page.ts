/**
 * What elizaOS's page and its types let somebody write: checked by the compiler, with the `tsconfig.json` of this
 * folder, and never run. elizaOS's declarations are for bundlers; with the package's own settings they are `any`.
 */
import { AgentRuntime } from '@elizaos/core'
import type { EntityPayload, IAgentRuntime, MessagePayload, Plugin } from '@elizaos/core'
import { AgentServer } from '../../src/index.ts'
import type {
  ElizaRuntime,
  EntityJoined,
  MessageReceived,
  SocketIORouter,
  Uuid,
} from '../../src/index.ts'

/** The page's own lines. */
export async function page(): Promise<void> {
  const server = new AgentServer()
  await server.initialize()
  await server.start(3000)
}

const plugin: Plugin = { name: 'mine', description: 'Mine.' }

/** A runtime of elizaOS's is one that can be registered, as its class and as its interface. */
export async function register(server: AgentServer, other: IAgentRuntime): Promise<void> {
  const runtime = new AgentRuntime({ character: { name: 'Ada', bio: 'A.' }, plugins: [plugin] })
  await server.registerAgent(runtime)
  await server.registerAgent(other)
  await server.unregisterAgent(runtime.agentId)
  await server.stop()
}

/** What it is handed is what its handlers take. */
export function payloads(joined: EntityJoined, received: MessageReceived): void {
  const { runtime: _joinedRuntime, metadata: _metadata, ...entity } = joined
  const entityPayload: Omit<EntityPayload, 'runtime' | 'metadata'> = entity
  const { runtime: _runtime, message, callback, ...rest } = received
  const messagePayload: Omit<MessagePayload, 'runtime' | 'message' | 'callback'> = rest
  const entityId: MessagePayload['message']['entityId'] = message.entityId
  const said: Promise<{ entityId: string }[]> = callback({ text: 'hello', actions: ['REPLY'] })
  void [entityPayload, messagePayload, entityId, said]
}

export function maps(router: SocketIORouter): [ElizaRuntime | undefined, Uuid | undefined] {
  const agentId: Uuid = '550e8400-e29b-41d4-a716-446655440001'
  return [router.agents.get(agentId), router.connections.get('a socket')]
}

// @ts-expect-error -- not every text is a UUID
export const noId: Uuid = 'alice'
// @ts-expect-error -- a runtime has a character
export const noCharacter: ElizaRuntime = { agentId: 'a-b-c-d-e', emitEvent: async () => undefined }
