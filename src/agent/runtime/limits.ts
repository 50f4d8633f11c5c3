import type { Settings } from '../../config/settings.ts'

/** How much of an agent's work goes on at a time, and how long it may take. */
export interface RuntimeLimits {
  /**
   * Longest that one run of a handler may take, with what it leaves to `waitUntil`; past it `ctx.signal` is aborted
   * and the run has failed.
   */
  readonly handlerTimeoutMs: number
  /** How long a handler that was told to stop is waited for; past it its channel goes on without it. */
  readonly graceMs: number
  /** Waits before the second run, the third and so on; after the last one a message is set aside as failed. */
  readonly retryDelaysMs: readonly number[]
  /** Channels of one agent that are worked in at a time; the others wait, first come first served. */
  readonly maxBusyChannels: number
  /**
   * Messages of one channel that are held in memory in any case. What comes for it behind those is read again
   * when its turn comes, so that one channel with much to do does not keep the others from being read.
   */
  readonly channelReadAhead: number
  /**
   * Messages of all channels that are held in memory: twice `maxBusyChannels * channelReadAhead`. Half of it
   * is for whichever channel comes first. When it is full, which takes as many channels with something to do
   * as may be worked in at a time, nothing more is read until a message is through.
   */
  readonly readAhead: number
  /**
   * Messages that an agent may be through with ahead of the oldest that it is not through with, for which its
   * cursor waits: one handler that hangs keeps all of them in the memory of this process and of the writer. Past
   * it nothing more is read until that one is through or given up.
   */
  readonly maxThroughAhead: number
  /**
   * Failures that wait to be stored while the writer is away; past it no further message is begun. With one
   * more for each busy channel it is below the 1,000 that the log takes at a time.
   */
  readonly maxWaitingFailures: number
  /** Least time between two moves of a cursor behind work. More: more is done again after a kill. */
  readonly settleIntervalMs: number
  /** The same where nothing was for the agent. */
  readonly idleSettleIntervalMs: number
  /** How often an agent looks for messages and retries without having been told of any. */
  readonly pollIntervalMs: number
  /** Joins that wait for a channel's turn, of one agent; past it they are dropped and logged. */
  readonly maxWaitingJoins: number
  /** How long a message at which processes ended keeps others of that kind waiting. */
  readonly suspectTimeMs: number
  /** Turns of agents among themselves since a human spoke; to a message past it an agent says nothing. With 0 none to another. */
  readonly maxAgentTurns: number
}

const MAX_BUSY_CHANNELS = 256
const CHANNEL_READ_AHEAD = 2

export const RUNTIME_LIMITS: RuntimeLimits = {
  handlerTimeoutMs: 300_000,
  graceMs: 2_000,
  retryDelaysMs: [1_000, 5_000],
  maxBusyChannels: MAX_BUSY_CHANNELS,
  channelReadAhead: CHANNEL_READ_AHEAD,
  readAhead: 2 * MAX_BUSY_CHANNELS * CHANNEL_READ_AHEAD,
  maxThroughAhead: 5_000,
  maxWaitingFailures: 500,
  settleIntervalMs: 250,
  idleSettleIntervalMs: 10_000,
  pollIntervalMs: 1_000,
  maxWaitingJoins: 1_000,
  suspectTimeMs: 30_000,
  maxAgentTurns: 4,
}

/** Those that are settings. */
export function limitsOf({
  agentTimeoutMs,
  maxAgentTurns,
}: Pick<Settings, 'agentTimeoutMs' | 'maxAgentTurns'>): Partial<RuntimeLimits> {
  return { handlerTimeoutMs: agentTimeoutMs, maxAgentTurns }
}
