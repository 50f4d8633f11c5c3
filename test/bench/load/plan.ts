/** One raw WebSocket connection of the load. */
export interface ConnectionPlan {
  readonly entityId: string
  /** Joined after connecting; a connection without one only stays open. */
  readonly channelId?: string
  /** Where a resuming connection stands. */
  readonly since?: Position
  /** Connections that get every message of the channel, over all generators, the sender included. */
  readonly memberCount: number
  readonly isSender: boolean
}

export interface Position {
  readonly epoch: string
  readonly seq: number
}

export interface OpenPlan {
  readonly port: number
  readonly connections: readonly ConnectionPlan[]
  /** Connections that are being made at the same time. */
  readonly concurrency: number
  /** For one connection and its join; then it is given up. */
  readonly patienceMs: number
  /** How often one connection is tried. */
  readonly attempts: number
  /** All of it; what is not open by then counts as failed. */
  readonly timeoutMs: number
}

/** A conversation: the next message comes some time after the one before was acknowledged, or answered. */
export interface TurnPlan {
  /** `reply`: what somebody else says next in the channel, with the same text. */
  readonly awaits: 'ack' | 'reply'
  /** Mean time between that and the next message, which comes after half to one and a half of it. */
  readonly thinkMs: number
}

export interface SendPlan {
  /**
   * `closed`: every sender keeps `inFlight` messages unacknowledged. `burst`: the same until each has sent
   * `messagesPerSender`. `paced`: together `perSecond` messages, whatever is still in flight. `turns`: every
   * sender has one conversation.
   */
  readonly pace:
    | { readonly kind: 'closed'; readonly inFlight: number }
    | { readonly kind: 'burst'; readonly inFlight: number; readonly messagesPerSender: number }
    | { readonly kind: 'paced'; readonly perSecond: number }
    | ({ readonly kind: 'turns' } & TurnPlan)
  /** Of how many deliveries of a connection one is looked into for the time it was sent. */
  readonly sampleEvery: number
}

/** What opening has come to. Counts of `Histogram`s travel between the processes. */
export interface Opened {
  readonly openedCount: number
  readonly failedCount: number
  /** Attempts that were given up or refused, and repeated. */
  readonly repeatedCount: number
  /** Why the first of them failed. */
  readonly firstFailure?: string
  /** From the first connect until the last one that succeeded was open. */
  readonly durationMs: number
  /** From connecting until `connection_established`. */
  readonly connectCounts: Uint32Array
  /** From the beginning of the whole opening until the join was answered. */
  readonly joinCounts: Uint32Array
  /** Of the joined channels, as the server told them; empty where it has no positions. */
  readonly positions: Readonly<Record<string, Position>>
}

/** What happened since the mark before. */
export interface Window {
  readonly durationMs: number
  readonly sent: number
  readonly acks: number
  readonly deliveries: number
  /** The window's acknowledged messages, times all the members of their channels. */
  readonly expectedDeliveries: number
  /** `messageError` events. */
  readonly refusals: number
  readonly lostConnections: number
  /** Messages that were answered. */
  readonly turns: number
  /** Streams that ended otherwise than complete. */
  readonly brokenStreams: number
  /** Of the connection that was furthest behind its stream, 99 % of the time; NaN without streams. */
  readonly worstChunkP99Ms: number
  readonly ackCounts: Uint32Array
  readonly lagCounts: Uint32Array
  /** From sending a message until its answer came. */
  readonly turnCounts: Uint32Array
  /** From writing a chunk of a stream until it came, coalesced or not. */
  readonly chunkCounts: Uint32Array
  /** CPU time of the generator itself, user and system. */
  readonly cpuMs: number
}

/** Of everything since the generator was started. */
export interface Totals {
  readonly sent: number
  readonly acks: number
  readonly deliveries: number
  readonly refusals: number
  readonly turns: number
  readonly lostConnections: number
  readonly lastAckAtMs: number
  readonly lastDeliveryAtMs: number
  /** Acknowledged messages, times all the members of their channels. */
  readonly expectedDeliveries: number
  readonly firstLoss?: string
}

export type Command =
  | { readonly do: 'open'; readonly plan: OpenPlan }
  | { readonly do: 'send'; readonly plan: SendPlan }
  | { readonly do: 'finished'; readonly timeoutMs: number }
  | { readonly do: 'mark' }
  | { readonly do: 'stop' }
  | { readonly do: 'totals' }
  | { readonly do: 'disconnect' }

export interface Results {
  readonly open: Opened
  readonly send: null
  /** Of a burst: whether everything was acknowledged before the time was over. */
  readonly finished: boolean
  readonly mark: Window
  /** Resolves when everything that was sent is acknowledged and answered, or its time is over. */
  readonly stop: null
  readonly totals: Totals
  readonly disconnect: null
}

export type Request = Command & { readonly id: number }
export type Reply =
  | { readonly id: number; readonly result: Results[keyof Results] }
  | { readonly id: number; readonly error: string }
