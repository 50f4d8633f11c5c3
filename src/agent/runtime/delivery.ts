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
import type { RuntimeLimits } from './limits.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import { reasonOf } from './reason.ts'
import { runHandler } from './run-handler.ts'
import { Stop } from './stop.ts'
import type { Ending } from './run-handler.ts'
import type { Run } from './run.ts'

/** What became of a message. `stopped`: the process ends, and another one does it again. */
export type Delivered =
  | { readonly state: 'through' | 'stopped' }
  | { readonly state: 'failed'; readonly attempts: number; readonly reason: string }

export interface DeliveryOptions extends ContextParts {
  readonly services: Pick<Services, 'access' | 'channels' | 'messages' | 'participants'>
  readonly log: Pick<ChannelLog, 'standing'>
  readonly limits: RuntimeLimits
  readonly begunWork: BegunWork
  /** Lets messages at which processes ended be worked at one after the other, in all of this process. */
  readonly suspects: OneAtATime
  /** Calls a handler as the worker's own code. */
  readonly asWorker: <Value>(worker: AgentWorker, run: () => Value) => Value
}

/** Hands messages and joins to an agent's handlers, with deadline and retries. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #stopping = new Stop()
  readonly #ending = new Stop()
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

  /**
   * Hands a message out, again after a failure, until a run succeeds or enough have failed. A message that is
   * erased, or whose channel the agent has left, is through. Never rejects.
   *
   * A message that failed is remembered until `forget`: were the process to end at the next one before the log
   * has the failure, it would be handed out anew, and a few such messages would keep each other alive for ever.
   *
   * @param isFresh false where it waited since it was read: then it is looked at again first.
   */
  async deliver(item: InboxItem, isFresh: boolean): Promise<Delivered> {
    if (this.#isOverheard(item)) return { state: 'through' }
    const { begunWork, suspects, worker } = this.#options
    const { id } = item.message
    const unfinished = begunWork.unfinished(worker.agent.id, id)
    const deliver = () => this.#attempts(item, isFresh, unfinished + 1)
    // Whichever of them ends this process, too, is then the only one that did.
    const delivered = unfinished === 0 ? await deliver() : await suspects.run(deliver)
    if (delivered.state !== 'failed') this.forget(id)
    return delivered
  }

  /** What became of the message is known for good. */
  forget(messageId: string): void {
    const { begunWork, worker } = this.#options
    begunWork.end(worker.agent.id, messageId)
  }

  /**
   * Tells the channel that nothing more will come for a message, where this agent is the first of those that are
   * given it, which its author is not: one of them says so, and says it once. Never rejects.
   */
  async complete({ message, channel }: InboxItem): Promise<void> {
    const { services, worker } = this.#options
    try {
      const participants = await services.participants.list(channel.id)
      const first = participants.find(
        ({ entityId, isAgent }) => isAgent && entityId !== message.authorId,
      )
      if (first?.entityId !== worker.agent.id) return
      const { id: channelId, serverId } = channel
      services.messages.complete({ channelId, serverId, messageId: message.id })
    } catch (error) {
      worker.logger.debug({ err: error, messageId: message.id }, 'completion not told')
    }
  }

  async #attempts(item: InboxItem, isFresh: boolean, first: number): Promise<Delivered> {
    const { limits, begunWork, worker } = this.#options
    const { retryDelaysMs } = limits
    if (first > retryDelaysMs.length + 1) return this.#giveUp(item, first - 1)
    for (let attempt = first; ; attempt += 1) {
      if (this.#stopping.isStopped) return { state: 'stopped' }
      begunWork.begin(worker.agent.id, item.message.id)
      const ending = await this.#attempt(item, isFresh && attempt === first)
      if (ending.state !== 'failed') {
        return { state: ending.state === 'done' ? 'through' : 'stopped' }
      }
      const retryInMs = retryDelaysMs[attempt - 1]
      this.#logFailure(item, ending, { attempt, retryInMs })
      if (retryInMs === undefined) {
        return { state: 'failed', attempts: attempt, reason: ending.reason }
      }
      await this.#pause(retryInMs)
    }
  }

  #giveUp({ message, place }: InboxItem, attempts: number): Delivered {
    const { id: messageId, channelId } = message
    const facts = { messageId, channelId, place, attempts }
    const reason = 'the process ended each time that the handler ran'
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
      return this.#run(subject, (ctx) => worker.module.join?.(event, worker.env, ctx))
    }
    const ending = await run().catch(failed)
    if (ending.state !== 'failed') return
    const { reason, error } = ending
    worker.logger.error({ err: error, reason, channelId }, "the worker's join failed")
  }

  /** Agents among themselves: past the limit this one stays silent. */
  #isOverheard({ message, hops }: InboxItem): boolean {
    const { limits, worker } = this.#options
    if (hops <= limits.maxAgentTurns) return false
    const { id: messageId, channelId } = message
    worker.logger.info(
      { channelId, messageId, hops },
      'agent stays silent: too many turns of agents',
    )
    return true
  }

  async #attempt(item: InboxItem, isFresh: boolean): Promise<Ending> {
    const { worker } = this.#options
    try {
      const message = isFresh ? item.message : await this.#present(item)
      if (message === undefined) return { state: 'done' }
      const subject = { channel: item.channel, message, hops: item.hops }
      const event = workerMessageOf(message)
      return await this.#run(subject, (ctx) => worker.module.message?.(event, worker.env, ctx))
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

  async #run(subject: Subject, handle: (ctx: MessageContext) => unknown): Promise<Ending> {
    if (this.#stopping.isStopped) return { state: 'stopped' }
    const { worker, asWorker, limits, underWay, typing } = this.#options
    const call = (run: Run): Promise<void> =>
      asWorker(worker, async () => {
        this.#noteReturned(await handle(createMessageContext(this.#options, subject, run)))
      })
    try {
      return await runHandler({ ...limits, underWay, call, ending: this.#ending })
    } finally {
      typing.set(subject.channel.id, false)
    }
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

  /** Counts elapsed time, whatever is done to the machine's clock; ends early when it is stopped. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        forget()
        resolve()
      }, ms)
      const forget = this.#stopping.onStop(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

function failed(error: unknown): Ending {
  return { state: 'failed', reason: reasonOf(error), error }
}
