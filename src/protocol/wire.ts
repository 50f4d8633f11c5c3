/**
 * Every elizaOS name on the Socket.IO wire, in one place.
 *
 * The documentation page names events in words (`room_joining`), the published servers 1.2–1.7 in
 * numbers (`"1"`, and `message` with a numeric `type`); both are accepted, with `channelId` or
 * `roomId` and `serverId` or `messageServerId`, and both spellings are sent.
 */

/** What a client may ask for, whatever it calls it. */
export type CommandName =
  | 'join'
  | 'leave'
  | 'send'
  | 'cancel-stream'
  | 'generic'
  | 'typing-start'
  | 'typing-stop'
  | 'logs-subscribe'
  | 'logs-unsubscribe'
  | 'logs-filter'

/** Event name, or generic `type`, to command. */
const COMMANDS: ReadonlyMap<string, CommandName> = new Map<string, CommandName>([
  ['1', 'join'],
  ['room_joining', 'join'],
  ['ROOM_JOINING', 'join'],
  ['join', 'join'],
  ['2', 'send'],
  ['send_message', 'send'],
  ['SEND_MESSAGE', 'send'],
  ['leave', 'leave'],
  ['room_leaving', 'leave'],
  ['ROOM_LEAVING', 'leave'],
  ['cancel_stream', 'cancel-stream'],
  ['message', 'generic'],
  ['typing_start', 'typing-start'],
  ['typing_stop', 'typing-stop'],
  ['subscribe_logs', 'logs-subscribe'],
  ['unsubscribe_logs', 'logs-unsubscribe'],
  ['update_log_filters', 'logs-filter'],
])

/** Every event name that a client may send, in all spellings. */
export const CLIENT_EVENTS: readonly string[] = [...COMMANDS.keys()]

/** The command behind an event name. Numbers count as their digits: a client may emit `1` or `"1"`. */
export function commandOf(eventName: string | number): CommandName | undefined {
  return COMMANDS.get(String(eventName))
}

/** What the server sends. */
export const EVENTS = {
  authenticated: 'authenticated',
  connectionEstablished: 'connection_established',
  channelJoined: 'channel_joined',
  roomJoined: 'room_joined',
  channelLeft: 'channel_left',
  messageBroadcast: 'messageBroadcast',
  messageAck: 'messageAck',
  messageComplete: 'messageComplete',
  messageError: 'messageError',
  messageStreamChunk: 'messageStreamChunk',
  messageStreamError: 'messageStreamError',
  agentState: 'agent_state',
  messageDeleted: 'messageDeleted',
  channelCleared: 'channelCleared',
  channelUpdated: 'channelUpdated',
  channelDeleted: 'channelDeleted',
  typing: 'typing',
  presence: 'presence',
  logStream: 'log_stream',
  logSubscriptionConfirmed: 'log_subscription_confirmed',
  logFiltersUpdated: 'log_filters_updated',
} as const

export type EventName = (typeof EVENTS)[keyof typeof EVENTS]

/** Fixed texts that elizaOS clients match on. */
export const TEXTS = {
  connected: 'Connected to Eliza Socket.IO server',
  ackStatus: 'received_by_server_and_processing',
  joinNeedsChannel: 'channelId is required for joining.',
  leaveNeedsChannel: 'channelId is required for leaving.',
  typingNeedsChannel: 'channelId is required for typing.',
  cancelNeeds: 'channelId and messageId are required for cancelling.',
  sendNeeds:
    'For SEND_MESSAGE: channelId, messageServerId (message_server_id), senderId (author_id), and message are required.',
  entityRequired: 'Valid entityId required',
  authenticationFailed: 'Authentication failed',
  keyRequired: 'Invalid or missing API Key',
  tokenRequired: 'JWT token required for data isolation',
  tokensNotConfigured: 'JWT authentication not configured',
  tokenInvalid: 'Invalid JWT token',
  leftRemoved: 'removed',
  joinDenied: "Access denied: You don't have permission to join this channel",
  sendDenied: "Access denied: You don't have permission to send to this channel",
  logsSubscribed: 'Successfully subscribed to log stream',
  logsUnsubscribed: 'Successfully unsubscribed from log stream',
  logsNotSubscribed: 'Not subscribed to log stream',
  defaultSenderName: 'User',
  defaultSource: 'socketio_client',
  agentSource: 'agent_response',
} as const
