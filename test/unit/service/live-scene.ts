import { pino } from 'pino'
import type { ChannelLog } from '../../../src/log/log.ts'
import type { Ephemeral, StreamChunk } from '../../../src/protocol/model.ts'
import { LiveChannels } from '../../../src/service/live.ts'
import type { Follower, Joined, LiveBatch } from '../../../src/service/live.ts'
import { CHANNEL, EPOCH, ScriptedLog } from './scripted-log.ts'

/** A follower that notes what it is handed. */
export class Recorder implements Follower {
  readonly seen: (number | string)[] = []
  onEntries = (batch: LiveBatch): void => {
    this.seen.push(...batch.entries.map((one) => one.seq))
  }
  catchUp(batch: LiveBatch): Promise<void> {
    this.onEntries(batch)
    return this.pace()
  }
  /** Resolves at once unless a test holds it back. */
  pace = (): Promise<void> => Promise.resolve()
  onEphemeral(_frame: Ephemeral): void {
    this.seen.push('ephemeral')
  }
  catchUpText(text: StreamChunk): Promise<void> {
    this.onEphemeral(text)
    return this.pace()
  }
  onInterrupted(): void {
    this.seen.push('interrupted')
  }
  readonly joined = (joined: Joined): void => {
    this.seen.push(
      `joined ${joined.seq}${joined.isRecovered === undefined ? '' : ` ${joined.isRecovered}`}`,
    )
  }
}

/** Delivers at once, so that a test sees each step, or as a process does. */
const atOnce = (run: () => void): void => {
  run()
}

/** Live channels over a log whose answers the test gives. */
export function setUp(maxResumeEntries = 100, maxBacklogEntries = 100, defer = atOnce) {
  const log = new ScriptedLog()
  const live = new LiveChannels({
    maxResumeEntries,
    maxBacklogEntries,
    logger: pino({ level: 'silent' }),
    defer,
  })
  live.attach(log as unknown as ChannelLog)
  const follower = new Recorder()
  const join = (since?: number, epoch = EPOCH, admit?: () => Promise<number>): Promise<void> =>
    live.join({
      channelId: CHANNEL,
      follower,
      onJoined: follower.joined,
      ...(since === undefined ? {} : { since: { epoch, seq: since } }),
      ...(admit === undefined ? {} : { admit }),
    })
  return { log, live, follower, join }
}

/** Turns enough for whatever waits for its own. */
export async function tick(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
