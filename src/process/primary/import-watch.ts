/** Times between two looks, and how many of them without news mean that the import stands still. */
const LOOK_EVERY_MS = 2_000
const MAX_SILENT_LOOKS = 5

/**
 * Watches an agent host while it imports modules, whose top level may block it for ever: then `onStuck` is
 * called once, after 10 s. A module that only waits is given up by the host itself before that.
 *
 * It counts its own looks, so that the time in which the whole machine stood still is nobody's fault.
 */
export class ImportWatch {
  readonly #onStuck: () => void
  #file: string | undefined
  #timer: NodeJS.Timeout | undefined
  #isStuck = false

  constructor(onStuck: () => void) {
    this.#onStuck = onStuck
  }

  /** The file that is being imported, or was when the watch closed. */
  get file(): string | undefined {
    return this.#file
  }

  get isStuck(): boolean {
    return this.#isStuck
  }

  /** The host says what it imports next; undefined: it is through. */
  began(file: string | undefined): void {
    this.close()
    this.#file = file
    if (file === undefined) return
    let looks = 0
    this.#timer = setInterval(() => {
      looks += 1
      if (looks < MAX_SILENT_LOOKS) return
      this.close()
      this.#isStuck = true
      this.#onStuck()
    }, LOOK_EVERY_MS)
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
