import type { Transport } from '../cluster/support/sockets.ts'

export const ROLES = ['writer', 'gateway', 'agent-host', 'primary'] as const
export type Role = (typeof ROLES)[number]

/** What happens to a process. Whoever is stopped goes on after `forMs`; without it, it is left for the heartbeat. */
export interface Fault {
  readonly does: 'fault'
  readonly role: Role
  readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' | 'SIGUSR2'
  /** Which of the role's processes, as a share (0–1) of the list of them. */
  readonly which: number
  readonly forMs?: number
}

/** Clients that come and go: what they do meanwhile is fixed when they come. */
export interface Churn {
  readonly does: 'churn'
  readonly number: number
  readonly transport: Transport
  readonly room: number
  readonly sends: number
  readonly staysMs: number
  readonly goes: 'politely' | 'abruptly'
}

/** One thing that is to happen. Rooms and members are numbers into the cast. */
export type Deed =
  | Fault
  | Churn
  | {
      readonly does: 'send'
      readonly member: number
      readonly room: number
      readonly count: number
      /** Makes each message longer. */
      readonly paddingChars?: number
    }
  /** `which` picks among the messages that were acknowledged last. */
  | { readonly does: 'edit' | 'delete'; readonly changer: number; readonly which: number }
  /** Deletes a question of the last ones, whatever agents are at. */
  | { readonly does: 'retract'; readonly changer: number; readonly which: number }
  | { readonly does: 'clear' | 'remove' | 'create'; readonly room: number }
  /** `leave-and-back` asks for both in one breath; `restart` joins again without leaving. */
  | {
      readonly does: 'leave' | 'leave-and-back' | 'restart'
      readonly member: number
      readonly room: number
    }
  | {
      readonly does: 'rejoin'
      readonly member: number
      readonly room: number
      readonly from: 'since' | 'now'
    }
  /** Sends an old message once more, with another text: the answer has to be the first one. */
  | { readonly does: 'repeat'; readonly member: number; readonly which: number }
  /** The connection breaks, and the client comes back and resumes. */
  | { readonly does: 'drop'; readonly member: number }
  /** The client stops reading, and writing, for a while. */
  | { readonly does: 'stall'; readonly member: number; readonly forMs: number }
  /** Wants something to end that an agent is at, as far as the member knows: one of that, as a share of it. */
  | {
      readonly does: 'cancel'
      readonly member: number
      readonly which: number
      readonly by: 'socket' | 'rest'
    }

export type Step = Deed & {
  /** Since the start of the run. */
  readonly atMs: number
}

export interface Member {
  readonly name: string
  readonly transport: Transport
  /** Reached through a link that can be held. */
  readonly canStall: boolean
  readonly rooms: readonly number[]
}

export interface Cast {
  readonly gateways: number
  readonly agentHosts: number
  /** Rooms with agents in them have the numbers behind these. */
  readonly roomCount: number
  readonly talkCount: number
  readonly changerCount: number
  readonly members: readonly Member[]
}

/** Who does what when. The same seed and duration make the same plan, on any machine. */
export interface Plan {
  readonly seed: number
  readonly durationMs: number
  readonly cast: Cast
  /** Ascending by `atMs`. */
  readonly steps: readonly Step[]
}
