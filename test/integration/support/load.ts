import { expect } from 'vitest'
import type { ChannelLog, Command } from '../../../src/log/log.ts'
import { post } from '../../contract/engine-support.ts'
import { range } from '../../contract/support/recorder.ts'
import type { Recorder } from '../../contract/support/recorder.ts'

/** One sender's messages in the order sent, with the numbers they were answered with. */
export interface Sent {
  readonly authorId: string
  readonly channelId: string
  readonly messageId: string
  readonly seq: Promise<number | undefined>
}

interface LoadOptions {
  readonly logs: readonly ChannelLog[]
  readonly channelIds: readonly string[]
  /** Messages of every log. */
  readonly count: number
  readonly perTurn: number
  /** Runs between two turns. */
  readonly onTurn: (turn: number) => Promise<void> | void
}

/** Appends from every log at once, without waiting for answers, a few per turn of the event loop. */
export async function runLoad(options: LoadOptions): Promise<readonly Sent[]> {
  const { logs, channelIds, count, perTurn, onTurn } = options
  const sent: Sent[] = []
  for (let turn = 0; turn * perTurn < count; turn += 1) {
    for (const index of range(0, perTurn - 1)) {
      for (const [logIndex, log] of logs.entries()) {
        const channelId = channelIds[(turn * perTurn + index) % channelIds.length] ?? ''
        sent.push(send(log, `author-${logIndex}`, channelId))
      }
    }
    await onTurn(turn)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return sent
}

function send(log: ChannelLog, authorId: string, channelId: string): Sent {
  const command: Command & { type: 'post' } = post(channelId, 'load', { authorId })
  const messageId = command.message.id
  return { authorId, channelId, messageId, seq: log.append(command).then(({ seq }) => seq) }
}

/** Nothing lost, doubled or reordered in what is stored; no hole for any follower from 1 on. */
export async function checkLoad(
  sent: readonly Sent[],
  reader: ChannelLog,
  followers: readonly Recorder[],
): Promise<void> {
  await Promise.all(sent.map(({ seq }) => seq))
  const channelIds = [...new Set(sent.map(({ channelId }) => channelId))]
  for (const channelId of channelIds) {
    const mine = sent.filter((message) => message.channelId === channelId)
    const entries = await reader.entries({ channelId, after: 0, upTo: 1e9, limit: 1e6 })
    const stored = entries.map((entry) => ('message' in entry ? entry.message : null))
    expect(stored.map((message) => message?.seq)).toEqual(range(1, mine.length))

    const bySeq = new Map(stored.map((message) => [message?.id, message?.seq]))
    for (const { messageId, seq } of mine) expect(await seq).toBe(bySeq.get(messageId))
    for (const authorId of new Set(mine.map((message) => message.authorId))) {
      const order = mine.filter((message) => message.authorId === authorId)
      const kept = stored.filter((message) => message?.authorId === authorId)
      expect(kept.map((message) => message?.id)).toEqual(order.map(({ messageId }) => messageId))
    }
    for (const follower of followers) {
      await follower.reached(channelId, mine.length)
      expect(follower.seqs(channelId)).toEqual(range(1, mine.length))
      expect(follower.entries(channelId).map(messageIdOf)).toEqual(entries.map(messageIdOf))
    }
  }
}

function messageIdOf(entry: { readonly kind: string; readonly message?: unknown }): unknown {
  const message = entry.message as { readonly id: string } | null | undefined
  return message?.id
}
