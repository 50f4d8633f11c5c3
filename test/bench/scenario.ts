/** `parley` is the server of this repository; `peer` is what a user would write instead (`peer.ts`). */
export type Side = 'parley' | 'peer'

/** A running server, all of its processes included. */
export interface ServerUnderTest {
  readonly kind: Side
  readonly port: number
  /** Every process of the server as it is now, the first one included. */
  pids(): Promise<readonly number[]>
  /** Ends all processes and removes what they wrote. Never rejects for a server that is already gone. */
  close(): Promise<void>
}

/** Metric names carry their unit: `acksPerSecond`, `p99Ms`, `cpuMicrosPerMessage`, `pssMb`. */
export type Values = Readonly<Record<string, number>>

export interface Measurement {
  readonly values: Values
  /** What a reader has to know before believing the values, in words. */
  readonly warnings: readonly string[]
}

/** What a run was asked for; the same for every scenario and both sides. */
export interface RunOptions {
  /** Seconds that one measurement lasts, warm-up not included. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Gateways of Parley, and processes of the peer. */
  readonly gatewayCount: number
  /** Absolute path of the executable that is measured: a build's `main.js`. */
  readonly entry: string
  /** Where the processes of Parley leave their CPU profiles. */
  readonly profileDir?: string
  /** The median that an earlier scenario of this run has found, if it ran. */
  readonly earlier: (scenario: string, side: Side, metric: string) => number | undefined
}

export interface MeasureOptions extends RunOptions {
  /** What `prepare` found; empty without it. */
  readonly prepared: Values
}

/** A figure to reach, as data: the table says met or missed. */
export type Target =
  /** Parley's value divided by the peer's. */
  | { readonly kind: 'ratio'; readonly metric: string; readonly atLeast: number }
  | { readonly kind: 'ratio'; readonly metric: string; readonly atMost: number }
  /** Parley's value alone, in its own unit. */
  | { readonly kind: 'value'; readonly metric: string; readonly atMost: number }
  | { readonly kind: 'value'; readonly metric: string; readonly atLeast: number }
  /** Parley's value divided by a value of another scenario of the same run; not judged when that did not run. */
  | {
      readonly kind: 'share'
      readonly metric: string
      readonly of: { readonly scenario: string; readonly side: Side; readonly metric: string }
      readonly atLeast: number
    }

export interface Scenario {
  /** As given on the command line. */
  readonly name: string
  readonly title: string
  /** Who is measured; a comparison needs both. */
  readonly sides: readonly Side[]
  /** Metrics of the table, in order; all others are in the JSON. */
  readonly headline: readonly string[]
  readonly targets: readonly Target[]
  /** A scenario of its own kind of server; otherwise `startServer` starts the side. */
  start?(side: Side, options: RunOptions): Promise<ServerUnderTest>
  /** Runs once before all rounds, without a server; starts and closes what it needs itself. */
  prepare?(options: RunOptions): Promise<Values>
  /** One measurement of a server that nobody has used yet. Everything it waits for has a deadline. */
  measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement>
}
