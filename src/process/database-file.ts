import { join } from 'node:path'

/** The one database of a data directory; the writer writes it, the others read it. */
export function databaseFile(dataDir: string): string {
  return join(dataDir, 'parley.db')
}
