import { readFileSync } from 'node:fs'

/** The package's version, as in its package.json, which lies one level above both `src` and `dist`. */
export function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  const { version }: { readonly version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return version
}
