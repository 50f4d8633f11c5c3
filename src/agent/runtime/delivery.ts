import type { Cancellation, TurnRef } from '../../log/agent-work.ts'
import type { InboxItem } from '../../log/inbox.ts'
import type { ChannelLog } from '../../log/log.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { Message } from '../../protocol/model.ts'
import type { Services } from '../../service/services.ts'
import type { JoinEvent, MessageContext } from '../message-worker.ts'
import type { AgentWorker } from './agent-worker.ts'
import type { BegunWork } from './begun-work.ts'
import { createMessageContext, workerMessageOf } from './context.ts'
import type { ContextParts, Subject } from './context.ts'
import type { Ending } from './ending.ts'
import type { RuntimeLimits } from './limits.ts'
import { reasonOf } from './reason.ts'
import { HandlerRun } from './handler-run.ts'
import { Stop } from './stop.ts'
import type { Suspects } from './suspects.ts'
import type { Run } from './run.ts'

/** What became of a message. `stopped`: the process ends, and another one does it again. */
export type Delivered =
  | { readonly state: 'through' | 'stopped' }
  | { readonly state: 'failed'; readonly attempts: number; readonly reason: string }

/** How a message is handed out. */
export interface Handout {
  /** False where it waited since it was read: then it is looked at again first. */
  readonly isFresh: boolean
  /** When it happens a participant wants nothing of it any more: it is through. */
  readonly cancelled: Stop
  /** See `Subject`. */
  readonly retry?: string
}

export interface DeliveryOptions extends ContextParts {
  readonly services: ContextParts['services'] & Pick<Services, 'channels'>
  readonly log: ContextParts['log'] & Pick<ChannelLog, 'standing' | 'beginTurn'>
  readonly limits: RuntimeLimits
  readonly begunWork: BegunWork
  /** Keeps messages at which processes ended from each other, in all of this process. */
  readonly suspects: Suspects
  /** Calls a handler as the worker's own code. */
  readonly asWorker: <Value>(worker: AgentWorker, run: () => Value) => Value
}

type Handle = (ctx: MessageContext) => unknown

interface ActiveRun {
  readonly handler: HandlerRun
  readonly subject: Subject
}

const CANCELLED = 'it was cancelled'

/** Hands messages and joins to an agent's handlers, with deadline and retries. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #stopping = new Stop()
  readonly #ending = new Stop()
  /** Those that go on, also behind the end of their handler. */
  readonly #runs = new Set<ActiveRun>()
  #hasReturned = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Begins no further run: those that wait for one end as `stopped`. */
  stop(): void {
    this.#stopping.stop()
  }

  /** Tells the handlers that run to stop. */
  abort(): void {
    this.#ending.stop()
  }

  /** Ends the runs about this message, and the one that has this stream. */
  cancel({ channelId, messageId }: Cancellation): void {
    for (const { handler, subject } of this.#runs) {
      const { run } = handler
      if (subject.channel.id !== channelId) continue
      if (subject.message?.id !== messageId && !run.streams.has(messageId)) continue
      run.halt({ kind: 'cancelled' }, CANCELLED)
    }
  }

  /** Resolves when nothing goes on that handlers left to `waitUntil`. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0)
      await Promise.all([...this.#runs].map(({ handler }) => handler.closed))
  }

  /**
   * Hands a message out, again after a failure, until a run succeeds or enough have failed, or one whose words are
   * shown and stand. A message that is erased, or whose channel the agent has left, is through, and so is one that
   * is cancelled. Never rejects.
   *
   * A message that failed is remembered until `forget`: were the process to end at the next one before the log
   * has the failure, it would be handed out anew, and a few such messages would keep each other alive for ever.
   */
  async deliver(item: InboxItem, handout: Handout): Promise<Delivered> {
    if (handout.cancelled.isStopped || this.#isOverheard(item)) return { state: 'through' }
    const { begunWork, suspects, worker } = this.#options
    const { id, channelId } = item.message
    const unfinished = begunWork.unfinished(worker.agent.id, id)
    if (unfinished > 0) {
      const facts = { messageId: id, channelId, times: unfinished }
      worker.logger.warn(facts, 'the process ended while the handler was at this message')
    }
    const delivered = await suspects.run(unfinished, () =>
      this.#attempts(item, handout, unfinished + 1),
    )
    if (delivered.state !== 'failed') this.forget(id)
    return delivered
  }

  /** What became of the message is known for good. */
  forget(messageId: string): void {
    const { begunWork, worker } = this.#options
    begunWork.end(worker.agent.id, messageId)
  }

  async #attempts(item: InboxItem, handout: Handout, first: number): Promise<Delivered> {
    const { limits, begunWork, worker } = this.#options
    const { retryDelaysMs } = limits
    const { cancelled } = handout
    if (first > retryDelaysMs.length + 1) return this.#giveUp(item, first - 1)
    for (let attempt = first; ; attempt += 1) {
      if (cancelled.isStopped) return { state: 'through' }
      if (this.#stopping.isStopped) return { state: 'stopped' }
      begunWork.begin(worker.agent.id, item.message.id)
      const isFresh = handout.isFresh && attempt === first
      const ending = await this.#attempt(item, { ...handout, isFresh })
      if (ending.state !== 'failed') {
        return { state: ending.state === 'done' ? 'through' : 'stopped' }
      }
      const retryInMs = ending.isFinal === true ? undefined : retryDelaysMs[attempt - 1]
      this.#logFailure(item, ending, { attempt, retryInMs })
      if (retryInMs === undefined) {
        return { state: 'failed', attempts: attempt, reason: ending.reason }
      }
      await this.#pause(retryInMs, cancelled)
    }
  }

  #giveUp({ message, place }: InboxItem, attempts: number): Delivered {
    const { id: messageId, channelId } = message
    const facts = { messageId, channelId, place, attempts }
    const reason =
      'the process ended each time that the handler ran: did it block, use up the memory, or exit?'
    this.#options.worker.logger.error({ reason, ...facts }, 'worker failed: message set aside')
    return { state: 'failed', attempts, reason }
  }

  /** Hands a join out, once, where the agent takes part in the channel. Never rejects. */
  async join(event: JoinEvent): Promise<void> {
    const { log, worker, services } = this.#options
    const { channelId } = event
    const run = async (): Promise<Ending> => {
      const standing = await log.standing(channelId, worker.agent.id)
      if (standing?.isParticipant !== true) return { state: 'done' }
      const { id, serverId, type, name } = await services.channels.get(channelId)
      const subject = { channel: { id, serverId, type, name }, message: undefined, hops: 0 }
      const handle: Handle = (ctx) => worker.module.join?.(event, worker.env, ctx)
      return this.#run(subject, handle, new Stop())
    }
    const ending = await run().catch(failed)
    if (ending.state !== 'failed') return
    const { reason, error } = ending
    worker.logger.error({ err: error, reason, channelId }, "the worker's join failed")
  }

  /** Agents among themselves: past the limit this one stays silent. */
  #isOverheard({ message, hops, isFromAgent }: InboxItem): boolean {
    const { limits, worker } = this.#options
    // What an agent says that does not count is one turn at least.
    if (Math.max(hops, isFromAgent ? 1 : 0) <= limits.maxAgentTurns) return false
    const { id: messageId, channelId } = message
    worker.logger.info(
      { channelId, messageId, hops },
      'agent stays silent: too many turns of agents',
    )
    return true
  }

  async #attempt(item: InboxItem, { isFresh, cancelled, retry }: Handout): Promise<Ending> {
    const { worker, log } = this.#options
    try {
      const message = isFresh ? item.message : await this.#present(item)
      if (message === undefined || cancelled.isStopped) return { state: 'done' }
      const subject = { channel: item.channel, message, hops: item.hops, retry }
      const event = workerMessageOf(message)
      if (!this.#stopping.isStopped) log.beginTurn(turnOf(item, worker.agent.id))
      const handle: Handle = (ctx) => worker.module.message?.(event, worker.env, ctx)
      return await this.#run(subject, handle, cancelled)
    } catch (error) {
      return failed(error)
    }
  }

  /** The message as it is now, as long as it is one for the agent. */
  async #present({ message }: InboxItem): Promise<Message | undefined> {
    const { log, services, worker } = this.#options
    const standing = await log.standing(message.channelId, worker.agent.id)
    if (standing?.isParticipant !== true) return undefined
    try {
      return await services.messages.get(message.id, message.channelId)
    } catch (error) {
      if (error instanceof ChannelError && error.code === 'MESSAGE_NOT_FOUND') return undefined
      throw error
    }
  }

  async #run(subject: Subject, handle: Handle, cancelled: Stop): Promise<Ending> {
    if (this.#stopping.isStopped) return { state: 'stopped' }
    const { worker, asWorker, limits, underWay, typing } = this.#options
    const { logger } = worker
    const call = (run: Run): Promise<void> =>
      asWorker(worker, async () => {
        this.#noteReturned(await handle(createMessageContext(this.#options, subject, run)))
      })
    const handler = new HandlerRun({ ...limits, underWay, logger, call, ending: this.#ending })
    const active = { handler, subject }
    this.#runs.add(active)
    void handler.closed.then(() => this.#runs.delete(active))
    const forgetCancelled = cancelled.onStop(() => {
      handler.run.halt({ kind: 'cancelled' }, CANCELLED)
    })
    const ending = await handler.ended
    forgetCancelled()
    typing.set(subject.channel.id, false)
    return ending
  }

  /** Who returns a reply instead of sending it would wonder for long. */
  #noteReturned(value: unknown): void {
    if (value === undefined || this.#hasReturned) return
    this.#hasReturned = true
    const type = typeof value
    this.#options.worker.logger.warn({ type }, 'what a handler returns is ignored: use ctx.reply')
  }

  #logFailure(
    { message, place }: InboxItem,
    { reason, error }: Extract<Ending, { state: 'failed' }>,
    run: { readonly attempt: number; readonly retryInMs: number | undefined },
  ): void {
    const { logger } = this.#options.worker
    const { id: messageId, channelId } = message
    const facts = { err: error, reason, messageId, channelId, place, ...run }
    if (run.retryInMs === undefined) logger.error(facts, 'worker failed: message set aside')
    else logger.warn(facts, 'worker failed: message is handed out again')
  }

  /** Counts elapsed time, whatever is done to the machine's clock; ends early when there is no use in waiting. */
  async #pause(ms: number, cancelled: Stop): Promise<void> {
    const early: (() => void)[] = []
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      for (const stop of [this.#stopping, cancelled]) {
        const forget = stop.onStop(() => {
          clearTimeout(timer)
          resolve()
        })
        early.push(forget)
      }
    })
    for (const forget of early) forget()
  }
}

function failed(error: unknown): Ending {
  return { state: 'failed', reason: reasonOf(error), error }
}

/** An agent's work on a message, as everybody is told of it. */
export function turnOf({ channel, message, place }: InboxItem, agentId: string): TurnRef {
  const { id: channelId, serverId } = channel
  const { id: messageId, authorId } = message
  return { agentId, channelId, serverId, messageId, authorId, place }
}
