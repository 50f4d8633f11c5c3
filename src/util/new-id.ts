import { v7 } from 'uuid'

/** A UUIDv7: unique, and ascending within one process, which keeps database indexes append-only. */
export function newId(): string {
  return v7()
}
