import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Logger } from './logger.ts'
import { shortenLine } from './shorten-line.ts'
import { isWithoutStream } from './without-stream.ts'

/** Bytes of output that may wait for a reader of standard output that is stuck; past it lines are lost there. */
const MAX_OUTPUT_BYTES = 16_000_000

export interface LogTap extends DestinationStream {
  /** Resolves when everything that was logged has been written. */
  flush(): Promise<void>
}

/**
 * The destination of a process's logger: every line goes to standard output, and every line that
 * is not about log delivery also to `onLine`.
 *
 * Output is asynchronous, since a stuck reader of standard output must not block a process that
 * serves clients. pino tells a destination that asks (`pino.metadata`) which logger wrote.
 */
export function openLogTap(onLine: (line: string) => void): LogTap {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MAX_OUTPUT_BYTES })
  // A closed standard output (EPIPE) must not end the server.
  output.on('error', () => undefined)
  return {
    [Symbol.for('pino.metadata')]: true,
    lastLogger: undefined,
    write(line: string): void {
      output.write(line)
      if (!isWithoutStream(this.lastLogger)) onLine(shortenLine(line))
    },
    flush: () =>
      new Promise((resolve) => {
        // Called with an error when the output is closed: there is nobody to write for then.
        output.flush(() => {
          resolve()
        })
      }),
  } as LogTap & { lastLogger: Logger | undefined }
}
