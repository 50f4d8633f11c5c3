import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'

/** As stacks have it: with or without `file://`, which source maps leave out. */
const PLACE = /(?:file:\/\/)?(\/[^\s()]+:\d+:\d+)/
/** Characters of a problem: what is thrown may say anything. */
const MAX_PROBLEM_LENGTH = 500

/** Where in the folder it happened, by the stack; undefined when that does not say. */
function placeOf(error: Error, folder: string): string | undefined {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.includes(`${folder}/`))
  return lines.map((line) => PLACE.exec(line)?.[1]).find((place) => place !== undefined)
}

/**
 * Where a file of JavaScript is no JavaScript; undefined when it is. Node says it on the console only; the
 * compiler, which is asked when Node has refused, says it to us.
 */
async function syntaxPlace(file: string): Promise<string | undefined> {
  const { transformSync } = await import('@swc/wasm-typescript')
  const source = await readFile(file, 'utf8')
  try {
    transformSync(source, { filename: file, mode: 'strip-only', module: true })
  } catch (fault) {
    if (typeof fault !== 'object' || fault === null || !('startLine' in fault)) return undefined
    const column = 'startColumn' in fault ? Number(fault.startColumn) + 1 : 1
    return `${file}:${String(fault.startLine)}:${column}`
  }
  return undefined
}

/** Paths of the machine are of no use to the reader: those in the folder are said from there. */
function short(text: string, folder: string): string {
  const own = text.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '')
  return own.length <= MAX_PROBLEM_LENGTH ? own : `${own.slice(0, MAX_PROBLEM_LENGTH)}…`
}

/**
 * Why a module of the folder could not be imported, in one line, with file and line where they are known.
 * Anything can be thrown.
 */
export async function importProblem(
  thrown: unknown,
  { folder, file }: { readonly folder: string; readonly file: string },
): Promise<string> {
  if (!(thrown instanceof Error)) {
    return short(`it threw ${inspect(thrown, { depth: 1, breakLength: Infinity })}`, folder)
  }
  const [message = ''] = thrown.message.split('\n')
  const isOfNode = thrown instanceof SyntaxError && /\.m?js$/.test(file)
  const place =
    placeOf(thrown, folder) ?? (isOfNode ? await syntaxPlace(path.join(folder, file)) : undefined)
  const isSaid = place === undefined || message.includes(place)
  return short(`${thrown.name}: ${message}${isSaid ? '' : ` (${place})`}`, folder)
}
