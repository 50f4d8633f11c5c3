import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { FrameKind } from '../../../src/ipc/frame-kinds.ts'
import type { EntryRange } from '../../../src/log/log.ts'
import { Follows } from '../../../src/log/remote/follows.ts'
import type { FollowPayload } from '../../../src/log/remote/wire.ts'
import type { Entry, Ephemeral } from '../../../src/protocol/model.ts'

const channelId = 'c'

/** A process that follows the channel from its beginning, and what it asks for over its link. */
async function following() {
  const asked: (string | undefined)[][] = []
  const lines: string[] = []
  const seen: Ephemeral[] = []
  const follows = new Follows({
    reader: {
      entries: ({ after, upTo }: EntryRange): Entry[] =>
        Array.from({ length: upTo - after }, (_, index) => {
          const seq = after + 1 + index
          return { kind: 'cleared', channelId, seq, at: seq }
        }),
    },
    consumer: { onEntries: () => undefined, onEphemeral: (frame) => void seen.push(frame) },
    logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    link: {
      send: (kind, payload) => {
        if (kind !== FrameKind.LOG_FOLLOW) return
        const payloads: FollowPayload = JSON.parse(payload)
        asked.push(payloads.map((one) => one.join(' ')))
      },
    },
    maxPending: 10,
    timeoutMs: 60_000,
    onDiverged: (reason) => {
      throw new Error(reason)
    },
  })
  follows.open()
  const position = follows.follow(channelId)
  follows.takeFollowed([[1, 0]])
  await position
  return { follows, asked, lines, seen }
}

/** More is done in a gap than is kept. */
function loseWork(follows: Follows): void {
  follows.takeEntries([channelId, [], 1])
  for (let index = 0; index <= 5_000; index += 1) {
    follows.takeFrame({ kind: 'complete', channelId, serverId: 's', messageId: `m${index}` })
  }
}

it('asks anew, once the gap is filled, what agents do where too much of that was lost in it', async () => {
  const { follows, asked, lines, seen } = await following()
  loseWork(follows)
  expect(asked).toEqual([['1 c']])
  await vi.waitFor(() => expect(asked).toEqual([['1 c'], ['2 c 1']]))
  expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ channelId })])
  follows.takeFollowed([[2, 1]])
  expect(seen.at(-1)).toEqual({ kind: 'activity', channelId, streams: [], turns: [] })
  follows.close()
})

it('leaves that to the next link where there is none', async () => {
  const { follows, asked, lines } = await following()
  loseWork(follows)
  follows.suspend()
  await vi.waitFor(() => expect(lines).toHaveLength(1))
  expect(asked).toEqual([['1 c']])
  follows.open()
  expect(asked).toEqual([['1 c'], ['2 c 1']])
  follows.close()
})
