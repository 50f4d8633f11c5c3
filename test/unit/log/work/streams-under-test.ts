import type { Cancellation, ChunkRef } from '../../../../src/log/agent-work.ts'
import type { Command } from '../../../../src/log/commands.ts'
import type { Applied, StoredStream } from '../../../../src/log/engine.ts'
import { ActiveStreams } from '../../../../src/log/work/active-streams.ts'
import { DEFAULT_SERVER_ID } from '../../../../src/protocol/limits.ts'
import type { Message, StreamChunk, StreamLoss } from '../../../../src/protocol/model.ts'

const BODY = { text: '', source: 'test' } as const
const OWNER = 'host'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>

/** Streams whose writer stores nothing by itself: what it submits, marks and tells is kept to be looked at. */
export class StreamsUnderTest {
  readonly submitted: Command[] = []
  readonly marks: StreamChunk[] = []
  readonly losses: StreamLoss[] = []
  readonly cancelled: Cancellation[] = []
  readonly streams: ActiveStreams

  constructor(stored: readonly Partial<StoredStream>[] = []) {
    this.streams = new ActiveStreams({
      engine: { activeStreams: () => stored.map((one) => storedStream(one)) },
      submit: (command) => {
        this.submitted.push(command)
      },
      mark: (frame) => {
        this.marks.push(frame)
      },
      onLoss: (loss) => {
        this.losses.push(loss)
      },
      onCancelled: (cancelled) => {
        this.cancelled.push(cancelled)
      },
    })
    this.streams.start()
  }

  /** Opens `messageId`, whose name is `name:<id>`. */
  open(messageId: string, { owner = OWNER, channelId = 'c' } = {}): void {
    const command = openCommand(messageId, { owner, channelId })
    this.streams.applied(command, quiet({ stream: { messageId, state: 'streaming' } }))
  }

  /** With as many chunks before it as there are units. */
  write(messageId: string, offset: number, chunk: string): void {
    this.writeChunk({ messageId, index: offset, offset, chunk })
  }

  writeChunk(chunk: ChunkRef, owner = OWNER): void {
    this.streams.write(owner, chunk)
  }

  claim(messageId: string, text: string, { index = text.length, owner = OWNER } = {}): void {
    this.streams.claim(owner, { messageId, agentId: 'bot', channelId: 'c', index, text })
  }

  /** What followers get when every place so far is reached. */
  delivered(): readonly StreamChunk[] {
    const marks = this.marks.splice(0)
    return marks.flatMap(({ messageId }) => this.streams.take(messageId) ?? [])
  }

  /** Applies an end, as the engine answers it, the writer's own or another. */
  end(messageId: string): void {
    const state = 'complete'
    const command = { type: 'end-stream', id: 'e', messageId, state, body: BODY } as const
    this.streams.applied(command, posted(messageId))
  }

  submittedOf<Type extends Command['type']>(type: Type): readonly CommandOf<Type>[] {
    return this.submitted.filter((one): one is CommandOf<Type> => one.type === type)
  }

  /** Ids and texts of what was ended as interrupted so far. */
  interrupted(): readonly string[] {
    return this.submittedOf('end-stream').map(({ messageId, body }) => `${messageId}: ${body.text}`)
  }
}

export function openCommand(
  messageId: string,
  { owner = OWNER, channelId = 'c', name = `name:${messageId}`, authorId = 'bot' } = {},
): CommandOf<'open-stream'> {
  const message = { id: messageId, channelId, authorId, clientMessageId: name, body: BODY }
  return { type: 'open-stream', id: `open:${messageId}`, owner, message }
}

export function quiet(outcome: Exclude<Applied, { error: unknown }>['outcome']): Applied {
  return { outcome, entries: [] }
}

export function posted(messageId: string, channelId = 'c'): Applied {
  const base = { channelId, seq: 1, createdAt: 1, updatedAt: 1, serverId: DEFAULT_SERVER_ID }
  const message: Message = { ...base, id: messageId, authorId: 'bot', body: BODY }
  const entry = { kind: 'posted', channelId, seq: 1, at: 1, message, hasAgents: false } as const
  return { outcome: { message }, entries: [entry] }
}

function storedStream(stream: Partial<StoredStream>): StoredStream {
  const { messageId = 'm' } = stream
  return {
    messageId,
    channelId: 'c',
    serverId: DEFAULT_SERVER_ID,
    agentId: 'bot',
    name: `name:${messageId}`,
    owner: OWNER,
    isCancelled: false,
    body: BODY,
    text: '',
    ...stream,
  }
}
