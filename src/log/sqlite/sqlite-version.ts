const LEAST = [3, 51, 3] as const

/**
 * @throws below 3.51.3: older ones can corrupt a database when a reader's connection meets a reset
 * of the write-ahead log, which several reading processes beside one writer do all day.
 */
export function requireSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number)
  for (const [index, least] of LEAST.entries()) {
    const part = parts[index] ?? 0
    if (part > least) return
    if (part < least || Number.isNaN(part)) {
      throw new Error(`SQLite ${version} is too old: Parley needs ${LEAST.join('.')} or newer`)
    }
  }
}
