/** The agents of a run: `Hook` is called over HTTP, the others are modules. */
export const AGENT_NAMES = ['Echo', 'Teller', 'Flaky', 'Mute', 'Hook'] as const
export type AgentName = (typeof AGENT_NAMES)[number]

/** What an agent means to do about a question. */
export interface Manner {
  readonly says: 'reply' | 'stream' | 'nothing'
  /** All that it says, in the parts in which a stream says it. */
  readonly parts: readonly string[]
  /** Between two parts. */
  readonly pauseMs: number
  /**
   * What goes wrong by its own fault: `throws`, every time; `throws-once` and `hangs-once`, the first time that a
   * process asks; `breaks`, in the middle of a stream.
   */
  readonly fault: 'none' | 'throws' | 'throws-once' | 'hangs-once' | 'breaks'
}

const LONG_PARTS = 60
const LONG_PAUSE_MS = 50

/** A number that text and name fix (FNV-1a). */
function numberOf(text: string): number {
  let mixed = 0x811c9dc5
  for (const character of text) {
    mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x01000193)
  }
  return (mixed ^ (mixed >>> 13)) >>> 0
}

function spoken(name: AgentName, question: string, count: number): readonly string[] {
  const words = Array.from({ length: count }, (_, index) => ` ${index}`)
  return [`${name}: ${question}`, ...words]
}

function tellerOf(question: string, number: number): Manner {
  const isLong = number % 7 === 0
  const count = isLong ? LONG_PARTS : 4 + (number % 12)
  return {
    says: 'stream',
    parts: spoken('Teller', question, count),
    pauseMs: isLong ? LONG_PAUSE_MS : 10 + (number % 50),
    fault: number % 9 === 4 ? 'breaks' : 'none',
  }
}

const FLAKY_FAULTS: Readonly<Record<number, Manner['fault']>> = {
  0: 'throws',
  1: 'throws-once',
  2: 'throws-once',
  3: 'hangs-once',
}

function hookOf(question: string, number: number): Manner {
  const parts = spoken('Hook', question, 2 + (number % 8))
  const shared = { parts, pauseMs: 20 + (number % 60) }
  switch (number % 5) {
    case 0:
      return { ...shared, says: 'nothing', fault: 'none' }
    case 1:
      return { ...shared, says: 'reply', fault: 'throws-once' }
    case 2:
      return { ...shared, says: 'reply', fault: 'none' }
    default:
      return { ...shared, says: 'stream', fault: number % 7 === 0 ? 'breaks' : 'none' }
  }
}

/** Follows from the question alone, so that whoever judges knows it as well. */
export function mannerOf(name: AgentName, question: string): Manner {
  const number = numberOf(`${name} ${question}`)
  const reply = { says: 'reply', parts: [`${name}: ${question}`], pauseMs: 0 } as const
  switch (name) {
    case 'Echo':
      return { ...reply, fault: 'none' }
    case 'Teller':
      return tellerOf(question, number)
    case 'Flaky':
      return { ...reply, fault: FLAKY_FAULTS[number % 20] ?? 'none' }
    case 'Mute':
      return { says: 'nothing', parts: [], pauseMs: 0, fault: 'none' }
    case 'Hook':
      return hookOf(question, number)
  }
}
