export type {
  HistoryQuery,
  JoinEvent,
  MessageContext,
  MessageStream,
  Reply,
  ReplyContent,
  SentMessage,
  WorkerParticipant,
} from './agent/message-worker.ts'
export { defineWorker } from './agent/worker.ts'
export type {
  AgentIdentity,
  ExecutionContext,
  ScheduledEvent,
  WorkerEnv,
  WorkerMessage,
  WorkerLog,
  WorkerModule,
} from './agent/worker.ts'
export { loadSettings } from './config/load.ts'
export type { Environment, LoadedSettings } from './config/load.ts'
export type { Settings } from './config/settings.ts'
export { AgentServer } from './elizaos/agent-server.ts'
export type { AgentServerOptions } from './elizaos/agent-server.ts'
export type {
  ElizaCallback,
  ElizaContent,
  ElizaEvent,
  ElizaMemory,
  ElizaRuntime,
  Uuid,
} from './elizaos/eliza-runtime.ts'
export type { EntityJoined } from './elizaos/incoming.ts'
export type { MessageReceived } from './elizaos/runtime-worker.ts'
export { SocketIORouter } from './elizaos/socket-io-router.ts'
export { CLOSE_CODES } from './protocol/close-codes.ts'
export type { CloseCode } from './protocol/close-codes.ts'
export { ERRORS } from './protocol/errors.ts'
export type { ErrorCode } from './protocol/errors.ts'
export { DEFAULT_SERVER_ID, LIMITS } from './protocol/limits.ts'
export type { Channel, ChannelType, Message, MessageServer, Participant } from './protocol/model.ts'
