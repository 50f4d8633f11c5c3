/** What bounds the writer's memory of streams, and how long it waits for whom. Texts are counted in UTF-16 units. */
export const STREAM_LIMITS = {
  /**
   * Of one stream's text. More: longer messages are seen whole while they are written, for 1–2 bytes of the
   * writer's memory each. Past it the rest is not shown before the stream ends, whose message has it.
   */
  maxTextChars: 1_000_000,
  /** Of all streams together, likewise. */
  maxTotalChars: 64_000_000,
  /** Milliseconds for a process without a link to come back, and for one that is back to claim its streams. */
  ownerGraceMs: 2_000,
  /** Milliseconds after the start for streams to be claimed. Past either they end as `interrupted`. */
  startGraceMs: 5_000,
  /** Milliseconds between two checkpoints. More: less is written, and less is left of a stream when all processes die. */
  checkpointPauseMs: 2_000,
  /** Of the texts of one checkpoint, one in any case. Past it the rest comes with the next ones, in turn. */
  checkpointChars: 2_000_000,
  /** Streams that one look ends, and the size of their texts, one in any case: others wait for the next look. */
  endsPerLook: 500,
  endedCharsPerLook: 4_000_000,
  /** Milliseconds until what the writer put into its own queue is taken for lost, and put there again. */
  retryMs: 2_000,
} as const

/** Milliseconds between two looks at who is gone. */
export const LOOK_INTERVAL_MS = 250
