import type { Settings } from '../config/settings.ts'
import type { ProcessInfo, Readiness } from '../service/cluster.ts'
import type { UpgradeRequest } from './gateway/upgrade-request.ts'

/** A gateway that owns sessions, and the private Unix socket on which it takes requests for them. */
export interface Peer {
  readonly id: string
  readonly socketPath: string
  /** False while it starts and once it drains: it serves the sessions that it has, if any, and gets no new ones. */
  readonly takesSessions: boolean
  /** False once it has closed all its sessions. */
  readonly mayHaveSessions: boolean
}

/** Everything a child needs to begin; settings come as data, so that children read no environment. */
export interface ChildStart {
  readonly settings: Settings
  /** Unique among all processes of this server's life. */
  readonly id: string
  /** Absolute. */
  readonly dataDir: string
  /** Where the writer listens for the others. */
  readonly writerSocketPath: string
  /** Where a gateway listens for the other gateways. */
  readonly privateSocketPath: string
  /** The one port of all gateways; never 0. */
  readonly port: number
}

/** What a child may ask the primary, and what it gets. */
export interface Answers {
  readonly processes: readonly ProcessInfo[]
  readonly readiness: Readiness
  /** As they were logged, oldest first. */
  readonly logs: readonly string[]
  readonly 'clear-logs': null
  /** Nothing; it comes behind everything that the primary sent before it was asked. */
  readonly 'round-trip': null
}

export type Question = keyof Answers

/** From a child to the primary. The key tells our messages from those of node:cluster and Socket.IO. */
export type ToPrimary =
  | { readonly parley: 'hello' }
  | { readonly parley: 'ready' }
  /** The last word of a child that could not begin, or cannot go on. */
  | { readonly parley: 'failed'; readonly reason: string }
  /** A gateway that drains has closed its last session. */
  | { readonly parley: 'sessions-closed' }
  | { readonly parley: 'pong'; readonly connections: number }
  /** What is wrong with it while it goes on; replaces what it said before. */
  | { readonly parley: 'problems'; readonly problems: readonly string[] }
  | { readonly parley: 'log-lines'; readonly lines: readonly string[] }
  | { readonly parley: 'log-interest'; readonly isInterested: boolean }
  | { readonly parley: 'question'; readonly id: number; readonly question: Question }
  | { readonly parley: 'stop' }
  /** Comes with the socket. */
  | { readonly parley: 'hand-over'; readonly to: string; readonly request: UpgradeRequest }
  | { readonly parley: 'taken'; readonly handOverId: number }

/** What a child tells about itself alone; the rest is for the primary to act on. */
const ABOUT_ITSELF = ['failed', 'pong', 'problems'] as const

type AboutItself = Extract<ToPrimary, { readonly parley: (typeof ABOUT_ITSELF)[number] }>

export type ForPrimary = Exclude<ToPrimary, AboutItself>

export function isAboutItself(message: ToPrimary): message is AboutItself {
  return ABOUT_ITSELF.some((word) => word === message.parley)
}

/** From the primary to a child. */
export type FromPrimary =
  | { readonly parley: 'start'; readonly start: ChildStart }
  | { readonly parley: 'ping' }
  | { readonly parley: 'peers'; readonly peers: readonly Peer[] }
  | { readonly parley: 'log-lines'; readonly lines: readonly string[] }
  /** The answer as JSON. */
  | { readonly parley: 'answer'; readonly id: number; readonly answer: string }
  /** Comes with the socket. After `expiresAtMs` of `machineTimeMs` it belongs to nobody and is closed. */
  | {
      readonly parley: 'upgrade'
      readonly handOverId: number
      readonly expiresAtMs: number
      readonly request: UpgradeRequest
    }
  /** Finish what is under way, then exit. */
  | { readonly parley: 'drain' }

/** True for our own messages: only our own processes can write to these channels, so the key is enough. */
function isOurs(message: unknown): message is { readonly parley: string } {
  return typeof message === 'object' && message !== null && 'parley' in message
}

export function isToPrimary(message: unknown): message is ToPrimary {
  return isOurs(message)
}

export function isFromPrimary(message: unknown): message is FromPrimary {
  return isOurs(message)
}
