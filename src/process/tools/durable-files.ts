import { closeSync, fsyncSync, openSync } from 'node:fs'

/** Writes what is cached of a file, or the names in a directory, to the disk. */
export function fsyncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Now in UTC, as a part of a file name that sorts: `2026-01-31T17-05-09-042Z`. */
export function timestampForName(): string {
  return new Date().toISOString().replaceAll(/[:.]/g, '-')
}
