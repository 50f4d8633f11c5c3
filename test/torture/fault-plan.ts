import type { Random } from './random.ts'
import type { Fault, Step } from './steps.ts'

/** Pause between two faults, in milliseconds. */
const PAUSE_MS = { least: 300, most: 3_300 } as const
/** After what ends the whole server there is a while in which there is nothing to hit. */
const PRIMARY_PAUSE_MS = 4_000
/** Share of the faults that come in the same moment as the one before. */
const AT_ONCE = 0.12
/** How long a stopped process stays so, where it is not left to the heartbeat. */
const STOP_MS = { least: 300, most: 8_000 } as const

type Card = Pick<Fault, 'role' | 'signal'> & { readonly isLeft?: true }

/** Every role meets every signal once per round; what is most likely in life comes more often. */
const DECK: readonly Card[] = [
  ...(['writer', 'gateway', 'agent-host'] as const).flatMap((role): Card[] => [
    { role, signal: 'SIGKILL' },
    { role, signal: 'SIGSTOP' },
    { role, signal: 'SIGSTOP', isLeft: true },
    { role, signal: 'SIGTERM' },
    { role, signal: 'SIGUSR2' },
  ]),
  { role: 'primary', signal: 'SIGKILL' },
  { role: 'primary', signal: 'SIGTERM' },
  { role: 'primary', signal: 'SIGSTOP' },
  { role: 'primary', signal: 'SIGUSR2' },
  { role: 'primary', signal: 'SIGUSR2' },
  { role: 'writer', signal: 'SIGKILL' },
  { role: 'writer', signal: 'SIGKILL' },
  { role: 'gateway', signal: 'SIGKILL' },
  { role: 'gateway', signal: 'SIGKILL' },
  { role: 'agent-host', signal: 'SIGKILL' },
  { role: 'agent-host', signal: 'SIGKILL' },
]

function faultOf({ role, signal, isLeft }: Card, random: Random): Fault {
  const which = random.share()
  const isTimed = signal === 'SIGSTOP' && isLeft !== true
  const forMs = isTimed ? random.between(STOP_MS) : undefined
  return { does: 'fault', role, signal, which, ...(forMs !== undefined && { forMs }) }
}

function pauseAfter({ role, signal }: Fault, random: Random): number {
  if (random.share() < AT_ONCE) return 0
  const pauseMs = random.between(PAUSE_MS)
  const isRestart = role === 'primary' && (signal === 'SIGKILL' || signal === 'SIGTERM')
  return isRestart ? pauseMs + PRIMARY_PAUSE_MS : pauseMs
}

/** Faults from `startMs` to `endMs`: the deck, shuffled and dealt again and again. */
export function planFaults(
  random: Random,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Step[] {
  const steps: Step[] = []
  let atMs = startMs
  let cards: Card[] = []
  while (atMs < endMs) {
    if (cards.length === 0) cards = random.shuffled(DECK)
    const card = cards.pop()
    if (card === undefined) break
    const fault = faultOf(card, random)
    steps.push({ ...fault, atMs })
    atMs += pauseAfter(fault, random)
  }
  return steps
}
