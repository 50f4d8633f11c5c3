import type { MessageDraft } from '../../src/log/log.ts'
import type { StreamEnd } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { CommandOf } from './engine-support.ts'

export type OpenStream = CommandOf<'open-stream'>
export type EndStream = CommandOf<'end-stream'>

export const BOT = 'bot'
/** The process that opens streams where nothing else is said. */
export const OWNER = 'host'

/** `message` is merged; its id is the stream's. */
export function openStream(
  channelId: string,
  name: string,
  {
    message,
    ...parts
  }: Partial<Omit<OpenStream, 'message'>> & { message?: Partial<MessageDraft> } = {},
): OpenStream {
  const body = { text: '', source: 'test', inReplyTo: 'asked' }
  const draft = { id: newId(), channelId, authorId: BOT, body, ...message, clientMessageId: name }
  return { type: 'open-stream', id: newId(), owner: OWNER, ...parts, message: draft }
}

export function endStream(
  { message }: OpenStream,
  text: string,
  ending: { readonly state?: StreamEnd; readonly error?: string } = {},
): EndStream {
  const body = { ...message.body, text }
  const base = { type: 'end-stream', id: newId(), messageId: message.id, body } as const
  return { ...base, state: 'complete', ...ending }
}

export function cancelStream(channelId: string, messageId: string): CommandOf<'cancel-stream'> {
  return { type: 'cancel-stream', id: newId(), channelId, messageId }
}

export function checkpoint(
  texts: Readonly<Record<string, string>>,
): CommandOf<'checkpoint-streams'> {
  const named = Object.entries(texts).map(([messageId, text]) => ({ messageId, text }))
  return { type: 'checkpoint-streams', id: newId(), texts: named }
}
