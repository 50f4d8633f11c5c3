import { setTimeout as delay } from 'node:timers/promises'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { Journal } from '../cluster/support/journal.ts'
import { TestClient } from '../cluster/support/sockets.ts'
import { countStreams } from '../cluster/support/truth.ts'
import type { ChannelTruth } from '../cluster/support/truth.ts'
import { hearRooms, stoppedIn } from './check-heard.ts'
import { Ear } from './ear.ts'
import { talkChannels } from './talk-rooms.ts'
import { isOpen, readTalk } from './talk-truth.ts'
import type { TalkTruth } from './talk-truth.ts'
import { AGENT_NAMES } from './workers/manners.ts'

const LOOK_EVERY_MS = 500
/** Longest that nothing comes of what is still open. */
const MAX_STILL_MS = 45_000

export interface TalkPlace {
  readonly url: string
  readonly dataDir: string
}

const NAME = 'probe'

interface Standing {
  readonly truths: readonly TalkTruth[]
  readonly openCount: number
  readonly isAtRest: boolean
}

async function look({ url, dataDir }: TalkPlace, ears: readonly Ear[]): Promise<Standing> {
  const truths = await readTalk(url)
  const stopped = stoppedIn(ears)
  const open = truths.flatMap(({ turns }) =>
    turns.filter((turn) => isOpen(turn) && !stopped.has(turn.question.id)),
  )
  const waiting = ears
    .flatMap((ear) => hearRooms(ear, stopped))
    .filter(({ isWaiting }) => isWaiting)
  const isAtRest = open.length + waiting.length + countStreams(dataDir) === 0
  return { truths, openCount: open.length, isAtRest }
}

/**
 * Resolves when agents have dealt with everything and every client knows it, or when nothing more comes of it,
 * which the verdict then says.
 */
export async function settleTalk(
  place: TalkPlace,
  ears: readonly Ear[],
): Promise<readonly TalkTruth[]> {
  let stillSinceMs = performance.now()
  let openBefore = -1
  for (;;) {
    const { truths, openCount, isAtRest } = await look(place, ears)
    if (openCount !== openBefore) stillSinceMs = performance.now()
    openBefore = openCount
    if (isAtRest || performance.now() - stillSinceMs > MAX_STILL_MS) return truths
    await delay(LOOK_EVERY_MS)
  }
}

/** What one who joins now is told of agents: nothing, where they have come to rest. */
export async function findLeftovers({ url, dataDir }: TalkPlace): Promise<readonly string[]> {
  const client = new TestClient({ url, name: NAME, transport: 'websocket', channels: talkChannels })
  await using _open = client
  const ear = new Ear(NAME, client.socket, new Set(talkChannels))
  await client.open()
  const streams = countStreams(dataDir)
  const told = ear.heard.filter(({ event }) => event === 'channel_joined')
  const busy = told.filter(({ payload: { agents } }) => JSON.stringify(agents) !== '[]')
  return [
    ...busy.map(
      ({ channelId, payload }) =>
        `${channelId}: in the end agents are at ${JSON.stringify(payload['agents'])}`,
    ),
    ...(streams === 0 ? [] : [`${streams} streams go on in the end`]),
  ]
}

/**
 * What agents said as journals, for the oracle that judges who saw it: that they said it, and when, is not asked there.
 * Of what is erased the text is what somebody saw first.
 */
export function agentJournals(
  truths: readonly ChannelTruth[],
  journals: readonly Journal[],
): readonly Journal[] {
  const seen = new Map<string, string>()
  for (const { messageId = '', text = '' } of journals.flatMap((journal) => journal.all('entry'))) {
    if (!seen.has(messageId)) seen.set(messageId, text)
  }
  return AGENT_NAMES.map((name) => {
    const agentId = agentIdOf(name)
    const journal = new Journal(agentId)
    for (const { channelId, stored } of truths) {
      for (const { id, authorId, clientMessageId = '', text, kind } of stored) {
        if (kind !== 'posted' || authorId !== agentId) continue
        const said = text ?? seen.get(id) ?? ''
        journal.record({ what: 'sent', channelId, clientMessageId, text: said }, 0)
      }
    }
    return journal
  })
}

/** Resolves when everybody who is in a room with agents has seen the last of it. */
export async function everybodyHeard(
  truths: readonly TalkTruth[],
  members: readonly TestClient[],
): Promise<void> {
  const waits = truths.flatMap(({ channelId, rows }) =>
    members
      .filter((client) => client.isInside(channelId))
      .map((client) => client.reached(channelId, rows.at(-1)?.seq ?? 0)),
  )
  await Promise.all(waits)
}
