import type { ChannelLog } from '../../log/log.ts'
import type { RemoteLog } from '../../log/remote/remote-log.ts'
import { LiveChannels } from '../../service/live.ts'
import { RemotePresence } from '../../signals/remote-presence.ts'
import { RemoteQuotas } from '../../signals/remote-quotas.ts'
import type { Presence, PresenceChange, Quotas } from '../../signals/signals.ts'
import type { ChildContext } from '../child/child.ts'
import { openLinkedLog } from '../child/open-log.ts'
import { createMachineClock } from '../machine-time.ts'

/** Most entries that wait for one follower while what it missed is read; past it it is interrupted. */
const MAX_BACKLOG_ENTRIES = 10_000
/** Longest that a start waits for the writer. */
const CONNECT_WAIT_MS = 1_000

/** What a gateway's edges stand on: the log, presence and quotas, over one link to the writer. */
export interface GatewayBackend {
  readonly log: ChannelLog
  readonly presence: Presence
  readonly quotas: Quotas
  readonly live: LiveChannels
  /** Whether the writer answers this gateway. */
  isConnected(): boolean
  /**
   * Connects; called once everything that listens is in place. Resolves when the writer has answered,
   * or after a second: what says that it is ready is, and a writer that is away holds up no gateway.
   */
  start(onPresenceChange: (change: PresenceChange) => void): Promise<void>
  close(): Promise<void>
}

export function openGatewayBackend(context: ChildContext): GatewayBackend {
  const { start, logger } = context
  const live = new LiveChannels({
    maxResumeEntries: start.settings.maxResumeEntries,
    maxBacklogEntries: MAX_BACKLOG_ENTRIES,
    logger,
  })
  const linked = openLinkedLog(context, 'gateway', live)
  const { log, link } = linked
  live.attach(log)
  let onChange: ((change: PresenceChange) => void) | undefined
  const presence = new RemotePresence({
    link,
    onChange: (change) => {
      onChange?.(change)
    },
  })
  const quotas = new RemoteQuotas({ link, nowMs: createMachineClock() })
  return {
    log,
    presence,
    quotas,
    live,
    isConnected: () => log.isConnected,
    start: (onPresenceChange) => {
      onChange = onPresenceChange
      link.start()
      return firstConnection(log)
    },
    close: async () => {
      presence.close()
      quotas.close()
      await linked.close()
    },
  }
}

function firstConnection(log: RemoteLog): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CONNECT_WAIT_MS)
    log.onStateChange((isConnected) => {
      if (!isConnected) return
      clearTimeout(timer)
      resolve()
    })
  })
}
