/**
 * The names and ids that the elizaOS documentation page uses, typed in as the page shows them.
 */

export const SOCKET_MESSAGE_TYPE = {
  ROOM_JOINING: 'room_joining',
  SEND_MESSAGE: 'send_message',
} as const

export const ChannelType = {
  DM: 'DM',
  GROUP: 'GROUP',
  VOICE_DM: 'VOICE_DM',
  FEED: 'FEED',
} as const

/** The page's channel, and three of its other ids. */
export const CHANNEL = '550e8400-e29b-41d4-a716-446655440000'
export const ONE = '550e8400-e29b-41d4-a716-446655440001'
export const TWO = '550e8400-e29b-41d4-a716-446655440002'
export const SERVER = '00000000-0000-0000-0000-000000000000'

export const ACK_STATUS = 'received_by_server_and_processing'
export const JOIN_NEEDS = 'channelId is required for joining.'
export const SEND_NEEDS =
  'For SEND_MESSAGE: channelId, messageServerId (message_server_id), senderId (author_id), and message are required.'

/** What a page example leaves to the server: any id it makes. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
