/**
 * What is used of elizaOS's `AgentRuntime`, as a shape: whatever has it can be registered, and `@elizaos/core`
 * is no dependency of this package. Checked against its version 1.7.2.
 */

/** As `@elizaos/core` types it. */
export type Uuid = `${string}-${string}-${string}-${string}-${string}`

/** What is said, elizaOS's `Content`. */
export interface ElizaContent {
  text?: string
  thought?: string
  actions?: string[]
  source?: string
  inReplyTo?: Uuid
  [field: string]: unknown
}

/** A message as a runtime remembers it, elizaOS's `Memory`. */
export interface ElizaMemory {
  id?: Uuid
  entityId: Uuid
  agentId?: Uuid
  roomId: Uuid
  worldId?: Uuid
  createdAt?: number
  content: ElizaContent
  metadata?: object
}

/**
 * Says something in answer, and has the runtime remember it. Resolves with what was stored, nothing where the
 * agent stays silent.
 */
export type ElizaCallback = (content: ElizaContent) => Promise<ElizaMemory[]>

/** Shows a piece of a text that is being written. */
export type OnStreamChunk = (chunk: string, messageId?: Uuid) => Promise<void>

export interface ElizaEvent {
  runtime: ElizaRuntime
  source: string
  onComplete?: () => void
}

/** Who said something where, elizaOS's `ensureConnection`. */
export interface ElizaConnection {
  entityId: Uuid
  roomId: Uuid
  worldId: Uuid
  userName?: string
  name?: string
  source?: string
  channelId?: string
  messageServerId?: Uuid
  type?: string
  userId?: Uuid
  /** Of the world, where it does not exist. */
  metadata?: Record<string, unknown>
}

interface ElizaMessageService {
  handleMessage(
    runtime: ElizaRuntime,
    message: ElizaMemory,
    callback?: ElizaCallback,
    options?: { onStreamChunk?: OnStreamChunk },
  ): Promise<unknown>
}

export interface ElizaRuntime {
  readonly agentId: Uuid
  readonly character: { readonly name: string; readonly bio?: string | string[] }
  emitEvent(event: string, payload: ElizaEvent): Promise<void>
  /** The handlers of an event. */
  getEvent?(event: string): readonly unknown[] | undefined
  /** Makes the world, the room and the entity where they do not exist. */
  ensureConnection?(connection: ElizaConnection): Promise<void>
  getMemoryById?(id: Uuid): Promise<unknown>
  createMemory?(memory: ElizaMemory, tableName: string): Promise<unknown>
  /** Handles messages where no plugin does: elizaOS 1.6 and later. */
  readonly messageService?: ElizaMessageService | null
}
