import { parseArgs } from 'node:util'
import { reasonOf } from '../error-facts.ts'

/** What a person asks of the executable. */
export type Asked =
  | { readonly command: 'serve' }
  /** Serve, and reload agent hosts when the workers folder changes. */
  | { readonly command: 'dev' }
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'backup'; readonly file: string | undefined }
  | { readonly command: 'restore'; readonly file: string }
  /** What stands behind it is read by the tool, which reports all that is wrong with it at once. */
  | { readonly command: 'token'; readonly args: readonly string[] }
  | { readonly command: 'misuse'; readonly problem: string }

export const USAGE = `usage:
  parley                  serve; settings are environment variables or a .env file
  parley dev              the same, and a change in the workers folder is loaded at once
  parley backup [file]    copy the database, while the server runs or not;
                          without a file into "backups" in the data directory
  parley restore <file>   put a backup in the database's place; the server must be stopped
  parley token …          make a token for development; without more it says how
  parley --help           show this
  parley --version        show the version
`

const misuse = (problem: string): Asked => ({ command: 'misuse', problem })

function fromWords([command, ...rest]: readonly string[]): Asked {
  const [file] = rest
  if (rest.length > 1) return misuse(`too many arguments: ${rest.slice(1).join(' ')}`)
  switch (command) {
    case undefined:
      return { command: 'serve' }
    case 'dev':
      return file === undefined ? { command: 'dev' } : misuse(`dev takes no argument: ${file}`)
    case 'backup':
      return file === '' ? misuse('backup: the name is empty') : { command, file }
    case 'restore':
      return file === undefined || file === ''
        ? misuse('restore: which backup? Name its file')
        : { command, file }
    default:
      return misuse(`unknown command: ${command}`)
  }
}

/** Reads the arguments behind the executable's name; whatever is not understood is `misuse`. */
export function parseCommandLine(args: readonly string[]): Asked {
  const [command, ...rest] = args
  if (command === 'token') return { command, args: rest }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    })
    if (values.help === true) return { command: 'help' }
    if (values.version === true) return { command: 'version' }
    return fromWords(positionals)
  } catch (error) {
    // An unknown option, or one with a value that takes none.
    const [problem = ''] = reasonOf(error).split('. ')
    return misuse(problem)
  }
}
