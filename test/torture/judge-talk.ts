import type { ChannelTruth } from '../cluster/support/truth.ts'
import { checkAnswers } from './check-answers.ts'
import { hearRooms, stoppedIn } from './check-heard.ts'
import type { Ear } from './ear.ts'
import type { Struck } from './fault-runner.ts'
import type { HeardRoom } from './heard-room.ts'
import { isAgent } from './talk-truth.ts'
import type { TalkTruth } from './talk-truth.ts'

/** Most broken promises that are reported. */
const MAX_VIOLATIONS = 25

/** How much there was to judge: a run in which agents did little proves little of them. */
export interface TalkEvidence {
  /** Those that nobody erased, as are the next ones. */
  readonly questions: number
  readonly answers: number
  readonly failures: number
  readonly cancelled: number
  readonly interrupted: number
  readonly failed: number
  readonly streamsShown: number
  readonly chunks: number
  readonly lateTexts: number
  readonly streamErrors: number
  readonly completes: number
  readonly completesDue: number
  /** Streams of which less, or nothing, is stored than was shown: their process and the writer had died at once. */
  readonly shortened: number
  readonly vanished: number
}

export interface TalkVerdict {
  readonly violations: readonly string[]
  readonly evidence: TalkEvidence
}

export interface TalkRecords {
  readonly talks: readonly TalkTruth[]
  /** Of the same rooms and others. */
  readonly truths: readonly ChannelTruth[]
  readonly ears: readonly Ear[]
  readonly struck: readonly Struck[]
}

/** Holds what clients heard of agents, and what agents were asked, against what is stored. */
export function judgeTalk({ talks, truths, ears, struck }: TalkRecords): TalkVerdict {
  const stopped = stoppedIn(ears)
  const rooms = ears.flatMap((ear) => hearRooms(ear, stopped))
  for (const room of rooms) room.finish()
  const shown = new Set(rooms.flatMap(({ streams }) => [...streams.everShown]))
  // What was erased, too.
  const postings = truths.flatMap(({ stored }) => stored).filter(({ kind }) => kind === 'posted')
  const posted = new Set(postings.map(({ id }) => id))
  const vanished = [...shown].filter((id) => !posted.has(id))
  const questions = postings.filter(({ authorId = '' }) => !isAgent(authorId))
  const asked = new Set(questions.map(({ id }) => id))
  const there = new Set(talks.flatMap(({ rows }) => rows.map(({ id }) => id)))
  const lost = new Set(rooms.flatMap(({ streams }) => [...streams.lost]))
  const violations = [
    ...checkAnswers(talks, { stopped, asked }),
    ...rooms.flatMap((room) => room.violations),
    ...[...lost].filter((id) => there.has(id)).map((id) => `stream ${id} was lost, and is there`),
    ...(mayLose(struck) ? [] : vanished.map((id) => `stream ${id} never became a message`)),
  ]
  return {
    violations: violations.slice(0, MAX_VIOLATIONS),
    evidence: gather({ talks, rooms, shown: shown.size, vanished: vanished.length }),
  }
}

/**
 * Whether all that was known of a stream may have died before there was a checkpoint of it: the writer, and the process
 * that wrote it. Whoever is connected then is told so; nobody need have been.
 */
function mayLose(struck: readonly Struck[]): boolean {
  const roles = new Set(struck.map(({ role }) => role))
  return roles.has('primary') || (roles.has('writer') && roles.has('agent-host'))
}

interface Gathered {
  readonly talks: readonly TalkTruth[]
  readonly rooms: readonly HeardRoom[]
  readonly shown: number
  readonly vanished: number
}

function gather({ talks, rooms, shown, vanished }: Gathered): TalkEvidence {
  const rows = talks.flatMap((talk) => talk.rows)
  const turns = talks.flatMap((talk) => talk.turns)
  const said = rows.filter(({ authorId }) => isAgent(authorId))
  const ended = (state: string): number =>
    said.filter(({ streamState }) => streamState === state).length
  const sum = (count: (room: HeardRoom) => number): number =>
    rooms.reduce((total, room) => total + count(room), 0)
  return {
    questions: rows.length - said.length,
    answers: said.length,
    failures: turns.filter(({ isFailure }) => isFailure).length,
    cancelled: ended('cancelled'),
    interrupted: ended('interrupted'),
    failed: ended('failed'),
    streamsShown: shown,
    chunks: sum(({ streams }) => streams.chunks),
    lateTexts: sum(({ streams }) => streams.lateTexts),
    streamErrors: sum(({ streamErrors }) => streamErrors),
    completes: sum(({ completions }) => completions.count),
    completesDue: sum(({ completions }) => completions.dueCount),
    shortened: new Set(rooms.flatMap(({ streams }) => streams.shortened)).size,
    vanished,
  }
}
