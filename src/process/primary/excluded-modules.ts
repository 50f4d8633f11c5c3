import type { ManagedChild } from './managed-child.ts'

/**
 * The modules that ended an agent host by being imported, or blocked it: the next one passes them over, so
 * that one such module does not keep all the others from serving. A reload tries them again.
 */
export class ExcludedModules {
  #reasons: Readonly<Record<string, string>> = {}

  /** Files by name, and what became of the process that imported them. */
  get reasons(): Readonly<Record<string, string>> {
    return this.#reasons
  }

  forget(): void {
    this.#reasons = {}
  }

  /** Looks at how a process ended. */
  async watch(child: ManagedChild): Promise<void> {
    const { exitCode, signal } = await child.exited
    const file = child.importing
    // Whoever kills a process (-9, or because it is not needed any more) says nothing about what it imports.
    const isOwnEnd = signal !== 'SIGKILL' || child.wasStuckImporting
    if (file === undefined || child.isLeaving || !isOwnEnd) return
    const how = child.wasStuckImporting
      ? 'did not go on'
      : `ended (${signal ?? `code ${exitCode}`})`
    const reason = `the process ${how} while it was imported; a reload tries it again`
    this.#reasons = { ...this.#reasons, [file]: reason }
  }
}
