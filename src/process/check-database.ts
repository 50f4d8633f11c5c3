import { statSync } from 'node:fs'
import { findDamage } from '../log/sqlite/check-content.ts'
import { Refusal } from './refusal.ts'

/** Largest database that every start reads through, about a second. A larger one is only opened: `backup` checks it. */
const MAX_CHECKED_BYTES = 256 * 1024 * 1024

function damageOf(file: string): string | undefined {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 }
  if (size === 0 || size > MAX_CHECKED_BYTES) return undefined
  try {
    return findDamage(file, 'quick')
  } catch {
    // It cannot be opened: the writer will say why, it opens it next.
    return undefined
  }
}

/**
 * Looks for damage before anybody writes; a writer that starts again in the server's life does not wait for it.
 *
 * @throws Refusal with the way out.
 */
export function checkDatabase(file: string): void {
  const damage = damageOf(file)
  if (damage === undefined) return
  throw new Refusal(
    `the database ${file} is damaged (${damage}); restore a backup: npm run restore -- <file>`,
  )
}
