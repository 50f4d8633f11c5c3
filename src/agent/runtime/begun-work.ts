/**
 * Remembers beyond the end of the process which messages are being worked at, so that one whose handler
 * blocks or ends its process is not handed out for ever.
 */
export interface BegunWork {
  /** How many processes ended while they worked at the message, one after the other. */
  unfinished(agentId: string, messageId: string): number
  /** A run begins. */
  begin(agentId: string, messageId: string): void
  /** It has ended, or is nobody's fault any more. */
  end(agentId: string, messageId: string): void
  close(): void
}

/** Remembers nothing. */
export const NO_BEGUN_WORK: BegunWork = {
  unfinished: () => 0,
  begin: () => undefined,
  end: () => undefined,
  close: () => undefined,
}
