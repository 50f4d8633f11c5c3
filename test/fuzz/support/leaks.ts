/** What stands in stacks, in statements and in paths of a machine, and in no answer. */
const INTERNALS = [
  /node_modules/,
  /node:internal/,
  /\n\s+at .+[:(]\d+/,
  /\\n\s+at /,
  /\.[cm]?[jt]s:\d+:\d+/,
  /SQLITE_/,
  /\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.+\b(?:FROM|VALUES|SET|WHERE)\b/,
  /better-sqlite3/,
  /ZodError/,
  /\bECONN|\bENOENT|\bEPIPE/,
  /root:x:0/,
  /(?:Type|Reference|Range|Syntax|Assertion)Error/,
]

/** The first trace of the server's insides in a text, or of what was planted elsewhere; undefined when it is clean. */
export function leakIn(text: string, planted: readonly string[]): string | undefined {
  const pattern = INTERNALS.find((internal) => internal.test(text))
  if (pattern !== undefined) return `${pattern} is in ${text.slice(0, 2_000)}`
  const secret = planted.find((one) => text.includes(one))
  return secret === undefined ? undefined : `${secret} is in ${text.slice(0, 2_000)}`
}
