import { register } from 'node:module'

/** From now on this process imports TypeScript, and `parley` from anywhere. Once per process. */
export function registerHooks(): void {
  // A file of the build: Node starts its thread for hooks from JavaScript only.
  register(new URL('typescript-hooks.js', import.meta.url))
  // Stacks in log lines then name the lines that people wrote.
  process.setSourceMapsEnabled(true)
}
