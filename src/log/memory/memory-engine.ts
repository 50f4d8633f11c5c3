import { defaultServer } from '../engine/apply-server.ts'
import { StoreEngine } from '../engine/store-engine.ts'
import type { SweepingEngine } from '../engine/store-engine.ts'
import { MemoryStore } from './memory-store.ts'

export interface MemoryEngineOptions {
  /** The database's life; a random one by default. */
  readonly epoch?: string
  /** Epoch ms; the system's clock by default. */
  readonly now?: () => number
  /** Of one channel; the default is `ENGINE_LIMITS`'. */
  readonly maxParticipants?: number
}

/** A log that ends with the process. */
export function createMemoryEngine(options: MemoryEngineOptions = {}): SweepingEngine {
  const now = options.now ?? Date.now
  const store = new MemoryStore(options.epoch)
  store.saveServer(defaultServer(now()))
  return new StoreEngine({ store, now, maxParticipants: options.maxParticipants })
}
