import type { ChannelLog } from '../../log/log.ts'
import type { Message } from '../../protocol/model.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { TEXTS } from '../../protocol/wire.ts'
import type { Caller } from '../../service/caller.ts'
import { present } from '../../service/refusals.ts'
import type { Services } from '../../service/services.ts'
import { compact } from '../../util/compact.ts'
import { newId } from '../../util/new-id.ts'
import type { MessageContext, MessageStream, SentMessage } from '../message-worker.ts'
import type { WorkUnderWay } from '../work-under-way.ts'
import type { WorkerMessage } from '../worker.ts'
import type { AgentWorker } from './agent-worker.ts'
import { readChannelId, readContent, readHistoryQuery, readMessageId } from './content.ts'
import { OutgoingStream } from './outgoing-stream.ts'
import type { Run } from './run.ts'
import type { AgentTyping } from './typing.ts'

/** What a handler is about. */
export interface Subject {
  readonly channel: MessageContext['channel']
  /** The message in hand; undefined for a join. */
  readonly message: Message | undefined
  /** Agents' turns since a human spoke, this message included. */
  readonly hops: number
  /** Names this attempt at a message that was given up, for the streams that it begins. */
  readonly retry?: string | undefined
}

export interface ContextParts {
  readonly worker: AgentWorker
  readonly log: Pick<ChannelLog, 'append' | 'writeStream'>
  readonly services: Pick<Services, 'access' | 'messages' | 'participants' | 'sizes'>
  readonly typing: AgentTyping
  readonly underWay: WorkUnderWay
}

/** What handlers see of a message. */
export function workerMessageOf({ body, ...message }: Message): WorkerMessage {
  return {
    id: message.id,
    channelId: message.channelId,
    serverId: message.serverId,
    seq: message.seq,
    senderId: message.authorId,
    senderName: body.senderName ?? TEXTS.defaultSenderName,
    source: body.source,
    text: body.text,
    attachments: body.attachments ?? [],
    metadata: body.metadata ?? {},
    inReplyTo: body.inReplyTo,
    createdAt: message.createdAt,
  }
}

/** Does what a handler asks for through its `ctx`, as the agent. */
class Acts {
  readonly #parts: ContextParts
  readonly #subject: Subject
  readonly #run: Run
  readonly #caller: Caller

  constructor(parts: ContextParts, subject: Subject, run: Run) {
    this.#parts = parts
    this.#subject = subject
    this.#run = run
    const entityId = parts.worker.agent.id
    this.#caller = { role: 'agent', entityId, grants: undefined, expiresAtMs: undefined }
  }

  async say(channelId: string, act: string, reply: unknown): Promise<SentMessage> {
    const { text, thought, actions, attachments, metadata } = readContent(act, reply)
    const { channel, message } = this.#subject
    const { agent } = this.#parts.worker
    const outcome = await this.#parts.services.messages.post({
      id: newId(),
      channelId,
      authorId: agent.id,
      ...this.#manner(),
      // The log stores it once, however often the handler runs.
      clientMessageId: this.#nextName(),
      inReplyTo: channelId === channel.id ? message?.id : undefined,
      text,
      attachments,
      metadata,
      raw: compact({ thought, actions }),
      visibleTo: agent.id,
    })
    const { id, seq, createdAt } = present(outcome.message, "agent's message")
    return { id, channelId, seq, createdAt, isDuplicate: outcome.isDuplicate === true }
  }

  stream(): MessageStream {
    this.#run.requireOpen('stream')
    const { log, services, worker } = this.#parts
    const { channel, message, retry } = this.#subject
    const messageId = newId()
    const name = this.#nextName() ?? `stream:${messageId}`
    const stream = new OutgoingStream({
      log,
      messageId,
      logger: worker.logger,
      sizes: services.sizes,
      draft: {
        channelId: channel.id,
        authorId: worker.agent.id,
        name,
        ...(retry !== undefined && { again: `${name}~${retry}` }),
        ...(message !== undefined && { answers: message.id }),
        body: { ...this.#manner(), ...(message !== undefined && { inReplyTo: message.id }) },
      },
      onOver: (state) => {
        this.#run.halt({ kind: 'over', state }, 'what it says ended before')
      },
      onCancelled: () => {
        this.#run.halt({ kind: 'cancelled' }, 'it was cancelled')
      },
    })
    this.#run.streams.add(stream)
    const act = <Value>(called: string, work: () => Promise<Value>): Promise<Value> => {
      const acted = this.#run.act(called, work)
      // Who is told to stop, and does not wait for what it writes, need not hear of every write.
      if (stream.isCut) acted.catch(() => undefined)
      return acted
    }
    return {
      write: (text) => act('stream.write', () => stream.write(text)),
      end: (rest) => act('stream.end', async () => stream.end(rest)),
    }
  }

  async remove(messageId: string): Promise<void> {
    const { id: visibleTo } = this.#parts.worker.agent
    await this.#parts.services.messages.remove(messageId, this.#subject.channel.id, { visibleTo })
  }

  type(isTyping: unknown): void {
    this.#run.requireOpen('typing')
    if (typeof isTyping !== 'boolean') throw new TypeError('typing: must be true or false')
    this.#parts.typing.set(this.#subject.channel.id, isTyping)
  }

  async history(query: unknown): Promise<readonly WorkerMessage[]> {
    const { limit = LIMITS.defaultPageRows, before } = readHistoryQuery(query)
    const { channel, message } = this.#subject
    const { access, messages } = this.#parts.services
    await access.check(this.#caller, 'read', channel.id)
    const beforeSeq = before ?? message?.seq
    const page = await messages.list({
      channelId: channel.id,
      limit,
      ...(beforeSeq !== undefined && { beforeSeq }),
    })
    return page.messages.toReversed().map(workerMessageOf)
  }

  async participants() {
    const { access, participants } = this.#parts.services
    const { id: channelId } = this.#subject.channel
    await access.check(this.#caller, 'read', channelId)
    const list = await participants.list(channelId)
    return list.map(({ entityId: id, isAgent }) => ({ id, isAgent }))
  }

  /** The same in every run; undefined where there is no message to answer. */
  #nextName(): string | undefined {
    const step = this.#run.nextStep()
    const { message } = this.#subject
    return message && `re:${message.id}:${step}`
  }

  /** What is the same in all that it says. */
  #manner() {
    const senderName = this.#parts.worker.agent.name.slice(0, LIMITS.maxNameLength)
    return { senderName, source: TEXTS.agentSource, hops: this.#subject.hops + 1 }
  }
}

/** What a handler gets for one run. */
export function createMessageContext(
  parts: ContextParts,
  subject: Subject,
  run: Run,
): MessageContext {
  const { worker, underWay } = parts
  const { agent, logger } = worker
  const acts = new Acts(parts, subject, run)
  const { channel } = subject
  return {
    agent: { id: agent.id, name: agent.name },
    channel,
    signal: run.signal,
    log: logger,
    passThroughOnException: () => undefined,
    waitUntil: (work) => {
      run.requireOpen('waitUntil')
      void run.keep(underWay.keep(work, logger))
    },
    reply: (reply) => run.act('reply', () => acts.say(channel.id, 'reply', reply)),
    send: (channelId, reply) =>
      run.act('send', async () => acts.say(readChannelId('send', channelId), 'send', reply)),
    stream: () => acts.stream(),
    remove: (messageId) =>
      run.act('remove', async () => acts.remove(readMessageId('remove', messageId))),
    typing: (isTyping = true) => {
      acts.type(isTyping)
    },
    history: (query = {}) => run.act('history', () => acts.history(query)),
    participants: () => run.act('participants', () => acts.participants()),
  }
}
