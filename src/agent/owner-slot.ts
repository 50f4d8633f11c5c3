import { createHash } from 'node:crypto'

/**
 * Which of `count` agent hosts owns what only one of them may do for a worker. Every host loads every
 * worker; each finds the same owner by the name alone, so nobody has to agree on anything.
 */
export function ownerSlot(workerName: string, count: number): number {
  return createHash('sha1').update(workerName, 'utf8').digest().readUInt32BE(0) % count
}
