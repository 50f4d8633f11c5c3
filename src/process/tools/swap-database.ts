import { existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { foldLog } from '../../log/sqlite/fold-log.ts'
import { fsyncPath, timestampForName } from './durable-files.ts'
import { COMPANIONS } from './stage-copy.ts'

/** The old database under a second name, with its log where that could not be folded in. */
function keepAside(file: string, isFolded: boolean): string {
  const aside = `${file}.before-restore-${timestampForName()}`
  linkSync(file, aside)
  for (const suffix of COMPANIONS) {
    if (!existsSync(file + suffix)) continue
    // The -shm is only an index of the log; SQLite makes it anew.
    if (isFolded || suffix === '-shm') rmSync(file + suffix)
    else renameSync(file + suffix, aside + suffix)
  }
  return aside
}

/**
 * Puts a finished database in the place of another that nobody uses. Answers the name under which the
 * old one is kept; undefined when there was none.
 *
 * Either the old or the new one is there, whenever the process is killed or the power fails: the old
 * one's log is first folded into it, so that each of the two is one file; then the old one gets its
 * second name, and one `rename` is the change. So no log of the old one can meet the new one. Of a
 * database that is too damaged to be opened, and only then, the log is moved aside with it before the
 * rename: killed in between, it is as damaged as before, and another restore is the way out.
 */
export function swapDatabase(file: string, next: string): string | undefined {
  const aside = existsSync(file) ? keepAside(file, foldLog(file)) : undefined
  if (aside === undefined) for (const suffix of COMPANIONS) rmSync(file + suffix, { force: true })
  fsyncPath(dirname(file))
  renameSync(next, file)
  fsyncPath(dirname(file))
  return aside
}
