import { randomUUID } from 'node:crypto'
import type { Command } from '../../../src/log/log.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { autoCreatedChannel } from '../../../src/service/channel-draft.ts'
import { newId } from '../../../src/util/new-id.ts'

type Post = Extract<Command, { type: 'post' }>

const CHANNEL_COUNT = 100
const AUTHOR_COUNT = 200
const TEXT_CHARS = 100
/** Of a UUID; the rest is the author's own. */
const NUMBER_CHARS = 12

/** Like the load on the sockets: 200 authors, two in each of 100 channels, who number their messages. */
export class Posts {
  readonly #authors = Array.from({ length: AUTHOR_COUNT }, () => ({
    id: randomUUID(),
    idBase: randomUUID().slice(0, -NUMBER_CHARS),
  }))
  readonly #channelIds = Array.from({ length: CHANNEL_COUNT }, () => randomUUID())
  readonly #text = 'parley '.repeat(TEXT_CHARS).slice(0, TEXT_CHARS)
  #count = 0

  /** The next message of the next author, as a gateway makes it of a `send_message`. */
  next(): Post {
    const place = this.#count % AUTHOR_COUNT
    const number = Math.floor(this.#count / AUTHOR_COUNT)
    this.#count += 1
    const author = this.#authors[place]
    const channelId = this.#channelIds[place % CHANNEL_COUNT]
    if (author === undefined || channelId === undefined) throw new Error('no author')
    const id = newId()
    const metadata = {}
    return {
      type: 'post',
      id,
      message: {
        id,
        channelId,
        authorId: author.id,
        clientMessageId: author.idBase + String(number).padStart(NUMBER_CHARS, '0'),
        body: {
          text: this.#text,
          senderName: 'Load',
          source: 'socketio_client',
          attachments: [],
          metadata,
        },
      },
      create: autoCreatedChannel({
        channelId,
        serverId: DEFAULT_SERVER_ID,
        authorId: author.id,
        metadata,
        autoCreate: { createdBy: 'socketio_auto_creation' },
      }),
    }
  }

  batch(count: number): Post[] {
    return Array.from({ length: count }, () => this.next())
  }
}
