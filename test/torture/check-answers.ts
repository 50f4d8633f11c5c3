import { agentIdOf } from '../../src/service/agent-id.ts'
import { mannerOf } from './workers/manners.ts'
import type { SaidRow, TalkTruth, Turn } from './talk-truth.ts'
import { isAgent } from './talk-truth.ts'

type Broken = SaidRow & Required<Pick<SaidRow, 'streamState'>>

/**
 * What agents said against what they were asked: each question is answered once by each agent that answers it, or
 * stands in the list of what that agent gave up, and the answers have the order of the questions.
 *
 * @param stopped ids of streams and questions that somebody wanted stopped.
 * @param asked ids of all that people ever said, also of what was erased.
 */
export function checkAnswers(
  truths: readonly TalkTruth[],
  { stopped, asked }: Readonly<Record<'stopped' | 'asked', ReadonlySet<string>>>,
): readonly string[] {
  return truths.flatMap((truth) => [
    ...truth.turns.flatMap((turn) =>
      checkTurn(turn, stopped).map((what) => `${truth.channelId}: ${named(turn)} ${what}`),
    ),
    ...checkOrder(truth),
    ...checkNothingElse(truth, asked),
  ])
}

const named = ({ agent, question }: Turn): string =>
  `${agent}, asked ${JSON.stringify(question.content.slice(0, 40))} (${question.seq}, ${question.id}),`

function checkTurn(turn: Turn, stopped: ReadonlySet<string>): readonly string[] {
  const { agent, question, answers, isFailure } = turn
  const [answer] = answers
  if (answers.length > 1) {
    return [`answered ${answers.length} times: ${answers.map(({ seq }) => seq).join(', ')}`]
  }
  if (answer !== undefined) return checkAnswer(turn, answer, stopped)
  const { says } = mannerOf(agent, question.content)
  const mayBeSilent = says === 'nothing' || isFailure || stopped.has(question.id)
  return mayBeSilent ? [] : ['did not answer, and did not give it up']
}

function checkAnswer(turn: Turn, answer: SaidRow, stopped: ReadonlySet<string>): string[] {
  const { agent, question } = turn
  const { says, parts, fault } = mannerOf(agent, question.content)
  const { content, streamState, seq } = answer
  const whole = parts.join('')
  const shown = `${JSON.stringify(content)} (${seq}, ${streamState ?? 'complete'})`
  if (says === 'nothing' || fault === 'throws') return [`said ${shown}`]
  if (!whole.startsWith(content)) return [`said ${shown} instead of ${JSON.stringify(whole)}`]
  if (streamState === undefined) {
    return content === whole && fault !== 'breaks' ? [] : [`ended with ${shown}`]
  }
  if (says !== 'stream') return [`ended a reply with ${shown}`]
  return mayEnd(turn, { ...answer, streamState }, stopped) ? [] : [`had no reason for ${shown}`]
}

/** Why a stream ends before its time: somebody asked for it, it is listed as given up, or its process ended. */
function mayEnd(
  { question, isFailure }: Turn,
  { id, streamState }: Broken,
  stopped: ReadonlySet<string>,
): boolean {
  switch (streamState) {
    case 'cancelled':
      return stopped.has(id) || stopped.has(question.id)
    case 'failed':
      return isFailure
    case 'interrupted':
      return true
  }
}

/** An agent's answers in the order of what it was asked. */
function checkOrder({ channelId, agents, turns }: TalkTruth): readonly string[] {
  return agents.flatMap((agent) => {
    const seqs = turns
      .filter((turn) => turn.agent === agent)
      .flatMap(({ answers }) => answers.slice(0, 1).map(({ seq }) => seq))
    const wrong = seqs.findIndex((seq, index) => seq < (seqs[index - 1] ?? 0))
    if (wrong === -1) return []
    return [`${channelId}: ${agent} answered out of order: ${seqs[wrong]} to what came later`]
  })
}

/** Agents say nothing that nobody asked, and nothing where they are not. */
function checkNothingElse(
  { channelId, agents, rows }: TalkTruth,
  asked: ReadonlySet<string>,
): readonly string[] {
  const ids = new Set(agents.map(agentIdOf))
  const isAnswer = ({ authorId, inReplyToRootMessageId }: SaidRow): boolean =>
    ids.has(authorId) && asked.has(inReplyToRootMessageId ?? '')
  return rows
    .filter((row) => isAgent(row.authorId) && !isAnswer(row))
    .map(({ seq, content }) => `${channelId}: nobody asked for ${seq}: ${JSON.stringify(content)}`)
}
