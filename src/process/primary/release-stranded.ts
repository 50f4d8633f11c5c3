import type { ChildProcess } from 'node:child_process'

interface ClusterMessage {
  readonly cmd?: string
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

/**
 * Closes the connection that a killed gateway had been handed and not yet confirmed.
 *
 * node:cluster's round-robin keeps its copy of a connection until the worker confirms it, and a worker
 * that is killed in between never does: the client would wait for its own time-out, and the file
 * descriptor stay open for ever (measured: 36 of 37 SIGKILLs under load stranded one connection, with
 * this none). There is no public way to release it, so this one file speaks for the dead worker in
 * node:cluster's own words ("accepted", after which the copy is closed). Should a Node change the words,
 * this does nothing; `test/cluster/routing.test.ts` would notice.
 */
export function releaseStranded(worker: ChildProcess): void {
  const send: (...args: never[]) => boolean = Reflect.get(worker, 'send')
  let unconfirmed: number | undefined
  Object.assign(worker, {
    send: (message: ClusterMessage, ...rest: never[]): boolean => {
      if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn') unconfirmed = message.seq
      return Reflect.apply(send, worker, [message, ...rest])
    },
  })
  // The listener is added after node:cluster's own, which hands over the next connection at once.
  worker.on('internalMessage', (message: ClusterMessage) => {
    if (message.ack !== undefined && message.ack === unconfirmed) unconfirmed = undefined
  })
  worker.once('exit', () => {
    if (unconfirmed === undefined) return
    worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: unconfirmed, accepted: true })
  })
}
