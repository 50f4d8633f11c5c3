/**
 * Bounds that are part of the protocol: what a server takes at most. Those that a setting may lower say so;
 * the others clients may rely on.
 */
export const LIMITS = {
  /** Characters in any id (design of ids: `A-Z a-z 0-9 . _ : @ -`). */
  maxIdLength: 128,
  /** Bytes of one Socket.IO frame or polling body; the elizaOS server announces the same number. */
  maxFrameBytes: 1_000_000,
  /** Bytes of one REST request body, as in the elizaOS server. Past it: 413 `PAYLOAD_TOO_LARGE`. */
  maxBodyBytes: 2 * 1024 * 1024,
  /** Characters of a channel's, server's or sender's name. */
  maxNameLength: 256,
  /** Of an agent: lists of agents hold them all. */
  maxBioLength: 1_000,
  /** Characters of free words such as `source`. */
  maxWordLength: 128,
  /** UTF-8 bytes of a message's text; a setting may lower it. Past it: 413 `PAYLOAD_TOO_LARGE`. */
  maxMessageBytes: 1_000_000,
  /** Attachments of one message. */
  maxAttachments: 32,
  /**
   * UTF-8 bytes of the JSON of a message's attachments together, and of its `raw_message`; a setting may
   * lower it. Past it: 413 `PAYLOAD_TOO_LARGE`.
   */
  maxAttachmentBytes: 2_000_000,
  /**
   * UTF-8 bytes of the JSON of one `metadata`: of a channel or server, in every row of a list and in every
   * entry about it; of a message, also of the channel that it creates. A setting may lower it. Past it: 413
   * `PAYLOAD_TOO_LARGE`.
   */
  maxMetadataBytes: 65_536,
  /** Nesting of metadata, attachments and raw messages; a setting may lower it. Past it: 400 `INVALID_PAYLOAD`. */
  maxJsonDepth: 16,
  /** Participants named in one request. */
  maxParticipantsPerRequest: 1_000,
  /** Rows in one page of messages when no `limit` is given. */
  defaultPageRows: 50,
  /** Most rows in one page of messages; a setting may lower it. A larger `limit` is cut to it. */
  maxPageRows: 500,
  /** Milliseconds after which receivers forget a typing indicator that nobody stopped. */
  typingTtlMs: 6_000,
} as const

/** The server that owns channels when nobody names one; elizaOS uses the nil UUID. */
export const DEFAULT_SERVER_ID = '00000000-0000-0000-0000-000000000000'
