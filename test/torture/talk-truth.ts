import { agentIdOf } from '../../src/service/agent-id.ts'
import { restData } from '../cluster/support/rest.ts'
import { historyRows } from '../cluster/support/truth.ts'
import { AGENT_NAMES, mannerOf } from './workers/manners.ts'
import type { AgentName } from './workers/manners.ts'
import { talkRooms } from './talk-rooms.ts'
import type { TalkRoom } from './talk-rooms.ts'

/** A message as REST lists it. */
export interface SaidRow {
  readonly id: string
  readonly seq: number
  readonly authorId: string
  readonly content: string
  readonly inReplyToRootMessageId: string | null
  readonly streamState?: 'cancelled' | 'interrupted' | 'failed'
}

/** One thing that one agent was asked, and what came of it. */
export interface Turn {
  readonly agent: AgentName
  readonly question: SaidRow
  readonly answers: readonly SaidRow[]
  /** It stands in the list of what the agent gave up. */
  readonly isFailure: boolean
}

export interface TalkTruth extends TalkRoom {
  /** Everything that was said, in its order. */
  readonly rows: readonly SaidRow[]
  /** What people asked, each with every agent of the room, in the order of the questions. */
  readonly turns: readonly Turn[]
}

/** Most rows that a page has. */
const PAGE_ROWS = 500

interface FailureRow {
  readonly messageId: string
  readonly place: number
}

/** Ids of the messages that an agent gave up. */
async function readFailures(url: string, name: AgentName): Promise<ReadonlySet<string>> {
  const given = new Set<string>()
  for (let before = ''; ;) {
    const { failures } = await restData<{ readonly failures: readonly FailureRow[] }>(url, {
      path: `/api/agents/${agentIdOf(name)}/failures?limit=${PAGE_ROWS}${before}`,
    })
    for (const { messageId } of failures) given.add(messageId)
    const last = failures.at(-1)
    if (last === undefined || failures.length < PAGE_ROWS) return given
    before = `&before=${last.place}`
  }
}

const AGENT_IDS: ReadonlySet<string> = new Set(AGENT_NAMES.map(agentIdOf))

export const isAgent = (authorId: string): boolean => AGENT_IDS.has(authorId)

/** What is true of the rooms with agents, over REST. */
export async function readTalk(url: string): Promise<TalkTruth[]> {
  const failures = new Map<AgentName, ReadonlySet<string>>()
  for (const name of AGENT_NAMES) failures.set(name, await readFailures(url, name))
  return Promise.all(
    talkRooms.map(async (room) => {
      const rows = await historyRows<SaidRow>(url, room.channelId)
      const questions = rows.filter(({ authorId }) => !isAgent(authorId))
      const turns = questions.flatMap((question) =>
        room.agents.map((agent): Turn => {
          const agentId = agentIdOf(agent)
          const answers = rows.filter(
            ({ authorId, inReplyToRootMessageId }) =>
              authorId === agentId && inReplyToRootMessageId === question.id,
          )
          const isFailure = failures.get(agent)?.has(question.id) === true
          return { agent, question, answers, isFailure }
        }),
      )
      return Object.assign({}, room, { rows, turns })
    }),
  )
}

/** Whether something must still come of it, as far as the lists tell. */
export function isOpen({ agent, question, answers, isFailure }: Turn): boolean {
  if (answers.length > 0 || isFailure) return false
  return mannerOf(agent, question.content).says !== 'nothing'
}
