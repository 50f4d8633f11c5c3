import { describe, expect, it } from 'vitest'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { checkAnswers } from '../torture/check-answers.ts'
import type { Heard } from '../torture/ear.ts'
import { HeardRoom } from '../torture/heard-room.ts'
import type { SaidRow, TalkTruth, Turn } from '../torture/talk-truth.ts'
import { mannerOf } from '../torture/workers/manners.ts'
import type { AgentName } from '../torture/workers/manners.ts'

const channelId = 'talk'
const agentId = agentIdOf('Teller')

type Payload = Heard['payload']

const story =
  (way: Heard['way'], event: string) =>
  (payload: Payload = {}): Heard => ({ way, event, channelId, payload, atMs: 0 })
const joining = story('out', 'ROOM_JOINING')
const leaving = story('out', 'leave')
const lost = story('lost', 'disconnect')()
const left = story('in', 'channel_left')()
const joined = story('in', 'channel_joined')
const chunkOf = story('in', 'messageStreamChunk')
const error = story('in', 'messageStreamError')
const broadcast = story('in', 'messageBroadcast')
const complete = (messageId: string): Heard => story('in', 'messageComplete')({ messageId })
const state = (word: string, messageId = 'q1'): Heard =>
  story('in', 'agent_state')({ agentId, messageId, state: word })

/** Of the stream `s`. */
const chunk = (index: number, offset: number, text: string): Heard =>
  chunkOf({ messageId: 's', agentId, index, offset, chunk: text })
const said = (text: string, streamState?: string): Heard =>
  broadcast({ id: 's', senderId: agentId, text, ...(streamState && { streamState }) })
const asked = (id: string): Heard => broadcast({ id, senderId: 'ann', text: id })

const enters = [joining(), joined({ agents: [] })]
const returns = [joining({ since: { seq: 1 } }), joined({ agents: [] })]

/** What is wrong with what Bob heard. */
function faultsOf(heard: readonly Heard[], stopped: readonly string[] = []): string {
  const room = new HeardRoom(channelId, 'bob', new Set(stopped))
  for (const one of heard) room.note(one)
  room.finish()
  return room.violations.join('\n')
}

const turn = [asked('q1'), state('thinking'), state('streaming')]
const over = [state('idle'), complete('q1'), complete('s')]

describe('the oracle of what clients hear of agents', () => {
  it.each<[what: string, heard: readonly Heard[]]>([
    [
      'a stream from its beginning to its end',
      [...turn, chunk(0, 0, 'ab'), chunk(1, 2, 'c'), said('abcd'), ...over],
    ],
    [
      'its text so far, for one who comes late',
      [chunk(0, 0, 'abc'), chunk(2, 3, 'd'), said('abcd')],
    ],
    [
      'one that broke',
      [chunk(0, 0, 'a'), error({ messageId: 's', partialText: 'ab' }), said('ab', 'failed')],
    ],
    [
      'less stored than shown of one whose process and writer died',
      [chunk(0, 0, 'abc'), error({ messageId: 's', partialText: 'ab' }), said('ab', 'interrupted')],
    ],
    [
      'the text once more on another way in',
      [chunk(0, 0, 'ab'), lost, ...returns, chunk(0, 0, 'abc'), said('abcd')],
    ],
    [
      'an answer again of one who begins anew',
      [said('ab'), leaving(), left, ...enters, chunk(0, 0, 'a'), said('ab')],
    ],
    [
      'the rest of a stream from which one is on the way out',
      [chunk(0, 0, 'ab'), leaving(), chunk(1, 2, 'c'), left],
    ],
    [
      'a stream of which nothing is left, as everybody is told',
      [
        chunk(0, 0, 'ab'),
        error({ messageId: 's', partialText: 'ab' }),
        state('idle'),
        complete('s'),
      ],
    ],
  ])('accepts %s', (_what, heard) => {
    // What they say is complete is not what these are about.
    const isAbout = heard.some(({ event }) => event === 'messageComplete')
    const end = heard.at(-1) === left || isAbout ? [] : [complete('s')]
    expect(faultsOf([...enters, ...heard, ...end])).toBe('')
  })

  it.each<[what: string, found: string, heard: readonly Heard[]]>([
    ['a gap', 'at 3 behind 2', [chunk(0, 0, 'ab'), chunk(1, 3, 'd')]],
    ['an overlap', 'at 1 behind 2', [chunk(0, 0, 'ab'), chunk(1, 1, 'bc')]],
    ['a beginning in the middle', 'at 2 behind 0', [chunk(1, 2, 'c')]],
    ['a number again', 'chunk 0 of s behind 0', [chunk(0, 0, 'ab'), chunk(0, 2, 'c')]],
    ['an empty chunk', 'an empty chunk', [chunk(0, 0, '')]],
    ['another text than was shown', 'and it is', [chunk(0, 0, 'ab'), said('ax')]],
    [
      'less than was shown of one that nobody interrupted',
      'and it is',
      [chunk(0, 0, 'ab'), said('a')],
    ],
    ['a chunk behind the end', 'behind its end', [chunk(0, 0, 'ab'), said('ab'), chunk(1, 2, 'c')]],
    [
      'the same after a reconnect',
      'behind its end',
      [said('ab'), lost, ...returns, chunk(0, 0, 'ab')],
    ],
    ['a chunk outside', 'not in the room', [leaving(), left, chunk(0, 0, 'ab')]],
    ['a stream without an end', 'which never ended', [chunk(0, 0, 'ab')]],
    ['a turn without an end', 'turn that never ended', [state('thinking')]],
    [
      'a turn that the join tells of',
      'turn that never ended',
      [joining(), joined({ agents: [{ agentId, messageId: 'q' }] })],
    ],
    ['a join without agents', 'was not told what agents do', [joining(), joined({})]],
    ['no word of why it broke', 'heard {}', [said('ab', 'interrupted')]],
    [
      'word of another text',
      'heard {',
      [error({ messageId: 's', partialText: 'x' }), said('ab', 'failed')],
    ],
    [
      'word of what did not break',
      'heard {',
      [error({ messageId: 's', partialText: 'ab' }), said('ab')],
    ],
    [
      'another text lost than was shown',
      'and lost "a"',
      [chunk(0, 0, 'ab'), error({ messageId: 's', partialText: 'a' })],
    ],
    [
      'more of a stream that is lost',
      'behind its end',
      [chunk(0, 0, 'a'), error({ messageId: 's', partialText: 'a' }), chunk(1, 1, 'b')],
    ],
    ['a message that is not complete in the end', 'never told that q1', [asked('q1')]],
    [
      'one that is complete twice',
      'told twice that q1',
      [asked('q1'), complete('q1'), complete('q1')],
    ],
    ['one that is complete before it is there', 'ahead of it', [complete('q1'), asked('q1')]],
    ['one that was passed over', 'and not that q1', [asked('q1'), asked('q2'), complete('q2')]],
  ])('finds %s', (_what, found, heard) => {
    expect(faultsOf([...enters, ...heard])).toContain(found)
  })
})

it('accepts that what was stopped is complete ahead of its turn', () => {
  const heard = [...enters, asked('q1'), asked('q2'), complete('q2'), complete('q1')]
  expect(faultsOf(heard, ['q2'])).toBe('')
  expect(faultsOf(heard)).toContain('and not that q1')
})

/** A question that the agent answers in the manner that is looked for. */
function questionFor(agent: AgentName, fits: (manner: ReturnType<typeof mannerOf>) => boolean) {
  const numbers = Array.from({ length: 1_000 }, (_, number) => `ann #${number}`)
  const text = numbers.find((each) => fits(mannerOf(agent, each))) ?? ''
  return { text, whole: mannerOf(agent, text).parts.join('') }
}

const streamed = questionFor('Teller', ({ fault }) => fault === 'none')
const broken = questionFor('Teller', ({ fault }) => fault === 'breaks')
const failing = questionFor('Flaky', ({ fault }) => fault === 'throws')

const question = (text: string, seq = 1): SaidRow => ({
  id: `q${seq}`,
  seq,
  authorId: 'ann',
  content: text,
  inReplyToRootMessageId: null,
})
const answer = (content: string, rest: Partial<SaidRow> = {}): SaidRow => ({
  id: 's',
  seq: 2,
  authorId: agentId,
  content,
  inReplyToRootMessageId: 'q1',
  ...rest,
})

function answersFaults(turns: readonly Turn[], stopped: readonly string[] = []): string {
  const rows = turns.flatMap(({ question: asking, answers }) => [asking, ...answers])
  const truth: TalkTruth = { channelId, agents: ['Teller', 'Flaky'], rows, turns }
  const ids = new Set(turns.map(({ question: { id } }) => id))
  return checkAnswers([truth], { stopped: new Set(stopped), asked: ids }).join('\n')
}

const told = (answers: readonly SaidRow[], rest: Partial<Turn> = {}): Turn => ({
  agent: 'Teller',
  question: question(streamed.text),
  answers,
  isFailure: false,
  ...rest,
})

describe('the oracle of what agents say', () => {
  it.each<[what: string, turn: Turn, stopped?: readonly string[]]>([
    ['one whole answer', told([answer(streamed.whole)])],
    ['what was given up', told([], { isFailure: true })],
    ['nothing where nothing was wanted', told([]), ['q1']],
    ['what somebody stopped', told([answer('Teller:', { streamState: 'cancelled' })]), ['s']],
    ['what was interrupted', told([answer('Teller:', { streamState: 'interrupted' })])],
    [
      'what broke',
      told([answer('Teller:', { streamState: 'failed' })], {
        question: question(broken.text),
        isFailure: true,
      }),
    ],
  ])('accepts %s', (_what, one, stopped) => {
    expect(answersFaults([one], stopped)).toBe('')
  })

  it.each<[what: string, found: string, turn: Turn]>([
    ['no answer', 'did not answer', told([])],
    [
      'two answers',
      'answered 2 times',
      told([answer(streamed.whole), answer(streamed.whole, { seq: 3 })]),
    ],
    ['half an answer', 'ended with', told([answer('Teller:')])],
    [
      'a whole one that was to break',
      'ended with',
      told([answer(broken.whole)], { question: question(broken.text) }),
    ],
    ['another answer', 'instead of', told([answer('Teller: no')])],
    [
      'a stop that nobody wanted',
      'no reason',
      told([answer('Teller:', { streamState: 'cancelled' })]),
    ],
    [
      'a failure that is not listed',
      'no reason',
      told([answer('Teller:', { streamState: 'failed' })]),
    ],
    [
      'what cannot be said',
      'said',
      told([answer('Flaky:')], { agent: 'Flaky', question: question(failing.text) }),
    ],
  ])('finds %s', (_what, found, one) => {
    expect(answersFaults([one])).toContain(found)
  })

  it('finds answers out of order, and those to nothing', () => {
    const later = told([answer(streamed.whole, { seq: 3 })], {
      question: question(streamed.text, 2),
    })
    expect(answersFaults([told([answer(streamed.whole, { seq: 4 })]), later])).toContain(
      'out of order',
    )
    const rows = [answer('unasked')]
    const truth: TalkTruth = { channelId, agents: ['Teller'], rows, turns: [] }
    const none = new Set<string>()
    const faults = (ids: ReadonlySet<string>): string =>
      checkAnswers([truth], { stopped: none, asked: ids }).join('\n')
    expect(faults(none)).toContain('nobody asked')
    // What was asked may be erased.
    expect(faults(new Set(['q1']))).toBe('')
  })
})
