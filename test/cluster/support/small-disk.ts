import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** A file system of its own, a few MiB large. */
export class SmallDisk implements Disposable {
  readonly #mount: string
  readonly dataDir: string

  constructor(sizeMib: number) {
    this.#mount = mkdtempSync(path.join(tmpdir(), 'parley-disk-'))
    this.dataDir = path.join(this.#mount, 'data')
    if (!run('mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=700`, 'tmpfs', this.#mount)) {
      rmdirSync(this.#mount)
      throw new Error('a tmpfs cannot be mounted')
    }
    mkdirSync(this.dataDir)
  }

  get #ballast(): string {
    return path.join(this.#mount, 'ballast')
  }

  /** Takes this much, or all that is left. */
  fill(bytes = Number.POSITIVE_INFINITY): void {
    const block = Buffer.alloc(4_096)
    try {
      for (let taken = 0; taken < bytes; taken += block.length) {
        writeFileSync(this.#ballast, block, { flag: 'a' })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#ballast, { force: true })
  }

  remount(mode: 'ro' | 'rw'): void {
    if (!run('mount', '-o', `remount,${mode}`, this.#mount)) throw new Error(`no remount ${mode}`)
  }

  [Symbol.dispose](): void {
    // Lazily: a process that is just dying may still hold a file.
    run('umount', '-l', this.#mount)
    rmdirSync(this.#mount)
  }
}

/** Why no disk can be made here; empty when one can. It takes root, and a container may forbid it all the same. */
export function whyNoSmallDisk(): string {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root, to mount a tmpfs'
  try {
    new SmallDisk(1)[Symbol.dispose]()
    return ''
  } catch {
    return 'may not mount a tmpfs here'
  }
}
