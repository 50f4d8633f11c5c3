import { readFileSync } from 'node:fs'
import path from 'node:path'

/** The project's folder. */
export const PROJECT = path.join(import.meta.dirname, '../../..')

/** A page or another text file of the project. */
export function readPage(name: string): string {
  return readFileSync(path.join(PROJECT, name), 'utf8')
}

/** The fenced blocks of one language, in their order. */
export function fencedBlocks(page: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...page.matchAll(fence)].map(([, block]) => block ?? '')
}

/** The shell blocks that the page marks with `<!-- runs -->`: a test runs them as they stand. */
export function runnableBlocks(page: string): string[] {
  return page
    .split('<!-- runs -->\n')
    .slice(1)
    .map((part) => fencedBlocks(part, 'sh')[0] ?? '')
}
