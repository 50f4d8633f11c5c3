export type {
  HistoryQuery,
  JoinEvent,
  MessageContext,
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
export { CLOSE_CODES } from './protocol/close-codes.ts'
export type { CloseCode } from './protocol/close-codes.ts'
export { ERRORS } from './protocol/errors.ts'
export type { ErrorCode } from './protocol/errors.ts'
export { DEFAULT_SERVER_ID, LIMITS } from './protocol/limits.ts'
export type { Channel, ChannelType, Message, MessageServer, Participant } from './protocol/model.ts'
