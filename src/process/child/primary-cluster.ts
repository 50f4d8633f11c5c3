import type { Cluster, LogLine, LogStream } from '../../service/cluster.ts'
import type { PrimaryLink } from './primary-link.ts'

/** A line as it was logged, parsed; `msg` is there even where none was given. */
function parseLine(line: string): LogLine {
  const fields: Omit<LogLine, 'msg'> & { readonly level: number; readonly time: number } =
    JSON.parse(line)
  return { msg: '', ...fields }
}

/** What a gateway knows about the whole server: it asks the primary. */
export function createPrimaryCluster(link: PrimaryLink): Cluster {
  return {
    processes: () => link.ask('processes'),
    readiness: () => link.ask('readiness'),
    workers: () => link.ask('workers'),
    logs: async () => (await link.ask('logs')).map(parseLine),
    clearLogs: async () => {
      await link.ask('clear-logs')
    },
    stop: () => {
      void link.send({ parley: 'stop' })
    },
  }
}

/** The lines of all processes; the primary sends them only while somebody here listens. */
export function createPrimaryLogStream(link: PrimaryLink): LogStream {
  const listeners = new Set<(line: LogLine) => void>()
  link.onMessage((message) => {
    if (message.parley !== 'log-lines') return
    for (const line of message.lines) {
      const parsed = parseLine(line)
      for (const listener of listeners) listener(parsed)
    }
  })
  return {
    subscribe: (listener) => {
      // Wrapped, so that the same function subscribed twice counts twice.
      const own = (line: LogLine): void => {
        listener(line)
      }
      listeners.add(own)
      if (listeners.size === 1) void link.send({ parley: 'log-interest', isInterested: true })
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return
        void link.send({ parley: 'log-interest', isInterested: false })
      }
    },
  }
}
