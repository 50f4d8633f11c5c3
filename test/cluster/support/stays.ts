import type { Client, Payload, Received } from '../../compat/support/client.ts'

/** What tells of an entry of a channel, or of those who are in it. */
const OF_CHANNEL = new Set([
  'messageBroadcast',
  'messageComplete',
  'messageDeleted',
  'channelCleared',
  'channelUpdated',
  'channelDeleted',
  'presence',
  'typing',
])

/** What a client was shown of a channel, behind its last join there. */
export interface Stay {
  /** Position that the join was answered with. */
  readonly joinedAt: number
  /** Numbers of messages that came through the channel, in order of arrival. */
  readonly seqs: readonly number[]
  /** Number of the entry that ended it; undefined while it lasts. */
  readonly endedBy: number | undefined
  /** Everything of the channel that came behind the end. */
  readonly after: readonly Received[]
}

const isEnd = ({ event, payload }: Received): boolean =>
  event === 'channel_left' && payload['reason'] === 'removed'

const isOf = (channelId: string) => (one: Received) => one.payload['channelId'] === channelId

/** Reads the last stay of a client in a channel out of what it received. */
export function stayOf(client: Client, channelId: string): Stay {
  const all = client.received.filter(isOf(channelId))
  const from = all.findLastIndex(({ event }) => event === 'channel_joined')
  const stay = all.slice(from)
  const end = stay.findIndex(isEnd)
  const during = end === -1 ? stay : stay.slice(0, end)
  return {
    joinedAt: Number(stay[0]?.payload['seq']),
    seqs: during
      .filter(({ event }) => event === 'messageBroadcast')
      .map(({ payload }) => Number(payload['seq'])),
    endedBy: end === -1 ? undefined : Number(stay[end]?.payload['seq']),
    after: end === -1 ? [] : stay.slice(end + 1).filter(({ event }) => OF_CHANNEL.has(event)),
  }
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)

export interface Talk {
  /** Resolves to the answers of all messages. */
  readonly stop: () => Promise<readonly Payload[]>
}

/** The number of the entry that took somebody out, as one who stays sees it, behind what it had received. */
export async function removalSeen(
  witness: Client,
  channelId: string,
  { who, mark = 0 }: { readonly who: string; readonly mark?: number },
): Promise<number> {
  const found = (): Payload | undefined =>
    witness.received
      .slice(mark)
      .filter(
        ({ event, payload }) => event === 'channelUpdated' && payload['channelId'] === channelId,
      )
      .map(({ payload }) => payload)
      .find(({ participants }) => {
        const { removed } = (participants ?? {}) as { readonly removed?: readonly string[] }
        return removed?.includes(who) === true
      })
  await witness.until(
    () => found() !== undefined,
    () => `the removal of ${who}`,
  )
  return Number(found()?.['seq'])
}

/** Sends one message after the other, eight under way, until it is told to stop. */
export function talk(sender: Client, channelId: string): Talk {
  let isOver = false
  const answers: Payload[] = []
  const windows = range(1, 8).map(async () => {
    while (!isOver && sender.socket.connected) {
      answers.push(await sender.send(channelId, `text ${answers.length}`))
    }
  })
  const ended = Promise.allSettled(windows)
  return {
    stop: async () => {
      isOver = true
      for (const window of await ended) if (window.status === 'rejected') throw window.reason
      return answers
    },
  }
}

/** When this has resolved, everything of the channel that was committed before has been delivered everywhere. */
export async function settled(channelId: string, sender: Client, witnesses: readonly Client[]) {
  const { seq } = await sender.send(channelId, 'the last word')
  for (const witness of witnesses) await witness.saw('messageBroadcast', { channelId, seq })
}
