/** How many links each process has: a new one may come before the old one is known to be closed. */
export class LinkCount {
  readonly #links = new Map<string, number>()

  opened(owner: string): void {
    this.#links.set(owner, (this.#links.get(owner) ?? 0) + 1)
  }

  /** True when it was the last one. */
  closed(owner: string): boolean {
    const links = (this.#links.get(owner) ?? 1) - 1
    if (links > 0) this.#links.set(owner, links)
    else this.#links.delete(owner)
    return links <= 0
  }
}
