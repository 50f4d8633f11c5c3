/** Lines that are kept for `GET /api/server/logs`; older ones are forgotten. */
const MAX_KEPT_LINES = 1_000

/** The newest lines, oldest first. */
export class LogRing {
  readonly #maxLines: number
  #lines: string[] = []

  constructor(maxLines: number = MAX_KEPT_LINES) {
    this.#maxLines = maxLines
  }

  push(lines: readonly string[]): void {
    this.#lines = [...this.#lines, ...lines].slice(-this.#maxLines)
  }

  lines(): readonly string[] {
    return this.#lines
  }

  clear(): void {
    this.#lines = []
  }
}
