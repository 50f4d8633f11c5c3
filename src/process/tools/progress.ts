/** Milliseconds between two reports: where a person watches, and in a log. */
const EVERY_MS = { terminal: 200, log: 5_000 } as const

export interface Progress {
  /** A share of all, 0–1. */
  report(share: number): void
  /** Ends the line that a terminal shows, and tells what comes now, where it has told anything before. */
  end(next?: string): void
}

/** Tells on stderr how far something long is; what is done before the first report is due says nothing. */
export function createProgress(what: string): Progress {
  const isTerminal = process.stderr.isTTY
  const everyMs = isTerminal ? EVERY_MS.terminal : EVERY_MS.log
  let lastMs = performance.now()
  let hasTold = false
  return {
    report: (share) => {
      const nowMs = performance.now()
      if (nowMs - lastMs < everyMs) return
      lastMs = nowMs
      const words = `${what}: ${Math.floor(share * 100)} %`
      hasTold = true
      process.stderr.write(isTerminal ? `\r${words}` : `${words}\n`)
    },
    end: (next) => {
      if (!hasTold) return
      if (isTerminal) process.stderr.write('\n')
      hasTold = next !== undefined && isTerminal
      if (next !== undefined) process.stderr.write(isTerminal ? next : `${next}\n`)
    },
  }
}
