/**
 * Listens for the signals that end the server; called before anything is loaded, since a signal that
 * comes earlier ends the process on the spot, with what it has begun left behind.
 *
 * SIGUSR2 does nothing until there is something to replace. A process manager that opened a channel and
 * is gone (its daemon was killed) ends the server likewise: nobody could stop it any more, and it would
 * keep port and data from the one that the manager's successor starts.
 */
export function obeySignals(): AbortController {
  const stop = new AbortController()
  const abort = (): void => {
    stop.abort()
  }
  process.on('SIGTERM', abort)
  process.on('SIGINT', abort)
  process.once('disconnect', abort)
  process.on('SIGUSR2', () => undefined)
  return stop
}

/** A terminal or a process manager signals the whole group; children obey the primary alone. */
export function ignoreSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2']) process.on(signal, () => undefined)
}
