import { readFileSync } from 'node:fs'

/** The package's version, as in its package.json, which lies one level above both `src` and `dist`. */
export function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
