import { readdirSync, readFileSync } from 'node:fs'
import type { Payload } from './client.ts'

/** What one socket received: the name of the event and its payload. */
export type Expected = readonly [event: string, payload: Payload]

export type Action =
  | {
      readonly connect: string
      readonly auth: Payload
      readonly transports: readonly ('polling' | 'websocket')[]
      readonly namespace?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly emit: string
      readonly event: string | number
      readonly args: readonly unknown[]
      /** The client gave an acknowledgement callback. */
      readonly isAsking?: boolean
    }
  | { readonly http: string; readonly status: number; readonly body: unknown }
  | { readonly disconnect: string }

/** What a client did in one moment, and what came of it on each socket. */
export interface Step {
  readonly do: readonly Action[]
  readonly came: Readonly<Record<string, readonly Expected[]>>
}

/** A recording of the real elizaOS server 1.7.2. */
export interface Scenario {
  readonly name: string
  readonly description: string
  readonly steps: readonly Step[]
}

const FOLDER = new URL('../golden/sockets/', import.meta.url)

/** A long text as the recording abbreviates it: sixty characters and how many there were. */
const ABBREVIATED = /^(.)\1{59}\.\.\.<(\d+) chars>$/

function expand(_key: string, value: unknown): unknown {
  if (typeof value === 'string') {
    const [, character, count] = ABBREVIATED.exec(value) ?? []
    return character === undefined ? value : character.repeat(Number(count))
  }
  if (typeof value === 'object' && value !== null && '$bytes' in value) {
    return Buffer.from(String(value.$bytes), 'base64')
  }
  return value
}

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'), expand)
}

export function loadScenario(name: string): Scenario {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own files: another shape fails the replay
  return load(name) as Scenario
}

/** One HTTP request below Socket.IO, and its answer. */
export interface Exchange {
  readonly http: string
  readonly headers?: Readonly<Record<string, string>>
  readonly send?: string
  readonly status: number
  readonly contentType: string | null
  readonly body: unknown
}

export function loadExchanges(name: string): readonly Exchange[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return (load(name) as { readonly exchanges: readonly Exchange[] }).exchanges
}

export function goldenNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.replace(/\.json$/, ''))
    .toSorted()
}
