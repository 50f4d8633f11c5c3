import { parentPort, workerData } from 'node:worker_threads'
import { openCheckpointDatabase } from './open-database.ts'
import { isFull } from './storage-errors.ts'

/** What the thread is started with. */
export interface CheckpointPlan {
  readonly file: string
  /** Milliseconds between two looks. */
  readonly everyMs: number
  /** Pages in the log that are worth a checkpoint. */
  readonly fromPages: number
}

/** Counts of pages; NOOP only looks. */
type LogState = { readonly log: number; readonly checkpointed: number } | undefined

const { file, everyMs, fromPages }: CheckpointPlan = workerData
const database = openCheckpointDatabase(file)

const state = database.prepare<[], LogState>('PRAGMA wal_checkpoint(NOOP)')

function look(): void {
  const pages = state.get()
  if (pages === undefined || pages.log - pages.checkpointed < fromPages) return
  // Waits for nobody: pages that a reader still needs in the log stay for the next time.
  database.pragma('wal_checkpoint(PASSIVE)')
}

const timer = setInterval(() => {
  try {
    look()
  } catch (error) {
    // Without room for the pages they stay in the log, where nothing is lost; the next look tries again.
    if (!isFull(error)) throw error
  }
}, everyMs)

parentPort?.once('message', () => {
  clearInterval(timer)
  database.close()
  parentPort?.close()
})
