import type { Settings } from '../../config/settings.ts'
import { LogBatches } from '../../telemetry/log-batches.ts'
import { openLogTap } from '../../telemetry/log-tap.ts'
import type { LogTap } from '../../telemetry/log-tap.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { withoutStream } from '../../telemetry/without-stream.ts'
import type { ChildRole } from '../roles.ts'

export interface TelemetryOptions {
  readonly role: ChildRole
  readonly level: Settings['logLevel']
  /** Brings lines to the primary; does not reject. */
  readonly send: (lines: readonly string[]) => Promise<void>
}

export interface Telemetry {
  readonly logger: Logger
  readonly close: () => Promise<void>
}

/** The logger of a process beside the primary: its lines go to standard output, and to the log stream. */
export function openTelemetry({ role, level, send }: TelemetryOptions): Telemetry {
  const batches = new LogBatches({
    send,
    onDropped: (count) => {
      quiet.warn({ count }, 'log lines left out of the stream')
    },
  })
  const tap: LogTap = openLogTap((line) => {
    batches.push(line)
  })
  const logger = createLogger({ level, role, destination: tap })
  const quiet = withoutStream(logger)
  return {
    logger,
    close: async () => {
      batches.flush()
      await tap.flush()
    },
  }
}
