import type { Transport } from '../cluster/support/sockets.ts'
import { planFaults } from './fault-plan.ts'
import { Random } from './random.ts'
import type { Cast, Churn, Deed, Member, Plan, Step } from './steps.ts'

/** Nothing is hit before everyone is in. */
const CALM_START_MS = 1_000
const ROOM_COUNT = 4
const TALK_COUNT = 3
const CHANGER_COUNT = 2

/** Milliseconds between two steps of a kind, on average. */
const EVERY_MS = {
  send: 45,
  edit: 120,
  delete: 300,
  clear: 9_000,
  remove: 14_000,
  leave: 1_100,
  bounce: 1_700,
  drop: 1_300,
  churn: 700,
  repeat: 800,
  stall: 12_000,
  // In the rooms with agents, each of which takes a second or so for what it is asked.
  talk: 600,
  visit: 500,
  step: 1_500,
  cancel: 900,
  retract: 2_500,
  wipe: 20_000,
} as const

/** While one client stalls, its room is flooded, so that what waits for it passes every bound. */
const FLOOD = { bursts: 4, count: 25, paddingChars: 20_000 } as const

const TRANSPORTS: readonly [Transport, Transport, Transport] = ['websocket', 'upgrade', 'polling']

/** Everybody is in one room with agents as well. */
function talkOf(index: number): number {
  return ROOM_COUNT + (index % TALK_COUNT)
}

function member(index: number, transport: Transport, canStall = false): Member {
  const rooms = [index % ROOM_COUNT, (index + 1) % ROOM_COUNT, talkOf(index)]
  return { name: `m${index}`, transport, canStall, rooms }
}

const CAST: Cast = {
  gateways: 3,
  agentHosts: 2,
  roomCount: ROOM_COUNT,
  talkCount: TALK_COUNT,
  changerCount: CHANGER_COUNT,
  members: [
    member(0, 'websocket'),
    member(1, 'upgrade'),
    member(2, 'polling'),
    member(3, 'websocket'),
    member(4, 'websocket', true),
    member(5, 'upgrade'),
    member(6, 'polling'),
    member(7, 'websocket'),
    member(8, 'websocket'),
    member(9, 'upgrade', true),
  ],
}

interface Choice {
  readonly random: Random
  readonly member: number
  readonly room: number
}

/** A member and one of its rooms without agents. */
function anyone(random: Random): Choice {
  const index = random.index(CAST.members.length)
  const rooms = (CAST.members[index]?.rooms ?? []).filter((room) => room < ROOM_COUNT)
  return { random, member: index, room: rooms[random.index(rooms.length)] ?? 0 }
}

type Make = (atMs: number, random: Random) => readonly Step[]

function one(make: (random: Random) => Deed): Make {
  return (atMs, random) => [{ ...make(random), atMs }]
}

const planLeave: Make = (atMs, random) => {
  const { member: who, room } = anyone(random)
  const from = random.share() < 0.7 ? 'since' : 'now'
  const backAtMs = atMs + random.between({ least: 20, most: 5_000 })
  return [
    { does: 'leave', member: who, room, atMs },
    { does: 'rejoin', member: who, room, from, atMs: backAtMs },
  ]
}

const planRemoval: Make = (atMs, random) => {
  const room = random.index(ROOM_COUNT)
  const againAtMs = atMs + random.between({ least: 0, most: 1_500 })
  return [
    { does: 'remove', room, atMs },
    { does: 'create', room, atMs: againAtMs },
  ]
}

const planStall: Make = (atMs, random) => {
  const stallable = CAST.members.flatMap(({ canStall }, index) => (canStall ? [index] : []))
  const who = stallable[random.index(stallable.length)] ?? 0
  const room = CAST.members[who]?.rooms[0] ?? 0
  const forMs = random.between({ least: 3_000, most: 8_000 })
  const senders = CAST.members.flatMap(({ rooms }, index) =>
    rooms.includes(room) && index !== who ? [index] : [],
  )
  const { bursts, count, paddingChars } = FLOOD
  const flood = Array.from({ length: bursts }, (_, burst): Step => {
    const sender = senders[random.index(senders.length)] ?? 0
    const at = atMs + 500 + burst * 500
    return { does: 'send', member: sender, room, count, paddingChars, atMs: at }
  })
  return [{ does: 'stall', member: who, forMs, atMs }, ...flood]
}

/** One who is in a room with agents goes out and comes back, or resumes without having left. */
const planStep: Make = (atMs, random) => {
  const who = random.index(CAST.members.length)
  const room = talkOf(who)
  const does = random.of(['leave', 'leave-and-back', 'restart'])
  if (does !== 'leave') return [{ does, member: who, room, atMs }]
  const from = random.share() < 0.7 ? 'since' : 'now'
  const backAtMs = atMs + random.between({ least: 20, most: 2_000 })
  return [
    { does, member: who, room, atMs },
    { does: 'rejoin', member: who, room, from, atMs: backAtMs },
  ]
}

/** One who sees what goes on with agents for a while, and may have a question. */
function visitOf(random: Random, number: number): Churn {
  return {
    ...churnOf(random, number),
    room: ROOM_COUNT + random.index(TALK_COUNT),
    sends: random.share() < 0.15 ? 1 : 0,
  }
}

function churnOf(random: Random, number: number): Churn {
  return {
    does: 'churn',
    number,
    transport: random.of(TRANSPORTS),
    room: random.index(ROOM_COUNT),
    sends: random.between({ least: 0, most: 4 }),
    staysMs: random.between({ least: 20, most: 4_000 }),
    goes: random.of(['politely', 'abruptly']),
  }
}

function makers(): Readonly<Record<keyof typeof EVERY_MS, Make>> {
  let churnCount = 0
  // Behind all of the others, whose names are taken.
  let visitCount = 1_000_000
  const change = (does: 'edit' | 'delete') =>
    one((random) => ({ does, changer: random.index(CHANGER_COUNT), which: random.share() }))
  return {
    send: one((random) => {
      const { member: who, room } = anyone(random)
      const count =
        random.share() < 0.05
          ? random.between({ least: 20, most: 60 })
          : random.between({ least: 1, most: 5 })
      return { does: 'send', member: who, room, count }
    }),
    edit: change('edit'),
    delete: change('delete'),
    clear: one((random) => ({ does: 'clear', room: random.index(ROOM_COUNT) })),
    remove: planRemoval,
    leave: planLeave,
    bounce: one((random) => {
      const { member: who, room } = anyone(random)
      const does = random.share() < 0.5 ? 'leave-and-back' : 'restart'
      return { does, member: who, room }
    }),
    drop: one((random) => ({ does: 'drop', member: random.index(CAST.members.length) })),
    repeat: one((random) => ({
      does: 'repeat',
      member: random.index(CAST.members.length),
      which: random.share(),
    })),
    churn: one((random) => churnOf(random, (churnCount += 1))),
    stall: planStall,
    talk: one((random) => {
      const who = random.index(CAST.members.length)
      return { does: 'send', member: who, room: talkOf(who), count: 1 }
    }),
    visit: one((random) => visitOf(random, (visitCount += 1))),
    step: planStep,
    retract: one((random) => ({
      does: 'retract',
      changer: random.index(CHANGER_COUNT),
      which: random.share(),
    })),
    wipe: one((random) => ({ does: 'clear', room: ROOM_COUNT + random.index(TALK_COUNT) })),
    cancel: one((random) => ({
      does: 'cancel',
      member: random.index(CAST.members.length),
      which: random.share(),
      by: random.of(['socket', 'rest']),
    })),
  }
}

/** Makes the plan of a run; nothing of it depends on what happens in the run. */
export function createPlan(seed: number, durationMs: number): Plan {
  const make = makers()
  const kinds = [
    'send',
    'edit',
    'delete',
    'clear',
    'remove',
    'leave',
    'bounce',
    'drop',
    'churn',
    'repeat',
    'stall',
    'talk',
    'visit',
    'step',
    'cancel',
    'retract',
    'wipe',
  ] as const
  const span = { startMs: 0, endMs: durationMs }
  const deeds = kinds.flatMap((kind) => {
    const random = new Random(seed, kind)
    return random
      .times({ ...span, meanMs: EVERY_MS[kind] })
      .flatMap((atMs) => make[kind](atMs, random))
  })
  const faults = planFaults(new Random(seed, 'fault'), { ...span, startMs: CALM_START_MS })
  const steps = [...deeds, ...faults].filter(({ atMs }) => atMs <= durationMs)
  return { seed, durationMs, cast: CAST, steps: steps.toSorted((a, b) => a.atMs - b.atMs) }
}

/** One line per step, as it is printed. */
export function formatStep({ atMs, ...deed }: Step): string {
  const { does, ...rest } = deed
  const facts = Object.entries(rest).map(([name, value]) => {
    const shown = typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : value
    return `${name}=${shown}`
  })
  return `${(atMs / 1000).toFixed(3).padStart(9)} ${does} ${facts.join(' ')}`
}
