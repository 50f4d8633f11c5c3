/** Characters of a line that may go through the stream and be kept; whole stacks fit, payloads do not. */
const MAX_LINE_LENGTH = 16_384
const MAX_SHORTENED_MESSAGE_LENGTH = 1_000
const KEPT_FIELDS = ['level', 'time', 'pid', 'role', 'agentName', 'agentId']

/** A line within the bound as it is; a longer one with its standard fields and `isShortened` only. */
export function shortenLine(line: string): string {
  if (line.length <= MAX_LINE_LENGTH) return line
  const fields: Readonly<Record<string, unknown>> = JSON.parse(line)
  const kept = Object.fromEntries(KEPT_FIELDS.map((field) => [field, fields[field]]))
  const said = fields['msg']
  const msg = typeof said === 'string' ? said.slice(0, MAX_SHORTENED_MESSAGE_LENGTH) : ''
  return `${JSON.stringify({ ...kept, msg, isShortened: true })}\n`
}
