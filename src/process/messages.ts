import type { Settings } from '../config/settings.ts'
import type { ProcessInfo, Readiness, WorkerInfo } from '../service/cluster.ts'
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

/** An agent host that takes requests, and the private Unix socket on which it does. */
export interface AgentHost {
  readonly id: string
  readonly socketPath: string
}

/** What an agent host gets beside what every child gets. */
export interface AgentHostStart {
  /** Which of the agent hosts it is, from 0; its successor is the same one. */
  readonly slot: number
  /** What modules may ask for by prefix: the server's own settings are not in it. */
  readonly environment: Readonly<Record<string, string>>
  /** Files that ended a process when they were imported, and how. */
  readonly excluded: Readonly<Record<string, string>>
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
  /** Where a gateway listens for the other gateways, and an agent host for all of them. */
  readonly privateSocketPath: string
  /** The one port of all gateways; never 0. */
  readonly port: number
  /** For agent hosts. */
  readonly agentHost?: AgentHostStart
}

/** What a child may ask the primary, and what it gets. */
export interface Answers {
  readonly processes: readonly ProcessInfo[]
  readonly readiness: Readiness
  readonly workers: readonly WorkerInfo[]
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
  /** An agent host is about to import this file; undefined: it has imported all. */
  | { readonly parley: 'importing'; readonly file: string | undefined }
  /** What an agent host has loaded; comes before `ready`. */
  | { readonly parley: 'workers'; readonly workers: readonly WorkerInfo[] }
  | { readonly parley: 'log-lines'; readonly lines: readonly string[] }
  | { readonly parley: 'log-interest'; readonly isInterested: boolean }
  | { readonly parley: 'question'; readonly id: number; readonly question: Question }
  | { readonly parley: 'stop' }
  /** Comes with the socket. */
  | { readonly parley: 'hand-over'; readonly to: string; readonly request: UpgradeRequest }
  | { readonly parley: 'taken'; readonly handOverId: number }

/** What a child tells about itself alone; the rest is for the primary to act on. */
const ABOUT_ITSELF = ['failed', 'pong', 'problems', 'importing', 'workers'] as const

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
  /** To gateways. */
  | { readonly parley: 'agent-hosts'; readonly hosts: readonly AgentHost[] }
  /** To an agent host: no other process of its slot lives; what only one may do is its to do until it drains. */
  | { readonly parley: 'lead' }
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
