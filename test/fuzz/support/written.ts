/**
 * JSON as it is written, which need not be any: with keys twice, numbers that no double holds, and bytes
 * that are no text. Strings of bytes have one character (U+0000 to U+00FF) for each byte.
 */
export type Written =
  | { readonly bytes: string }
  | { readonly list: readonly Written[] }
  | { readonly fields: readonly Field[] }

export type Field = readonly [name: string, value: Written]

/** The UTF-8 of a text, one character for each byte. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A value as every serializer writes it; lone surrogates become escapes. */
export function plain(value: unknown): Written {
  return { bytes: bytesOf(JSON.stringify(value)) }
}

export function write(written: Written): string {
  if ('bytes' in written) return written.bytes
  if ('list' in written) return `[${written.list.map(write).join(',')}]`
  const fields = written.fields.map(
    ([name, value]) => `${bytesOf(JSON.stringify(name))}:${write(value)}`,
  )
  return `{${fields.join(',')}}`
}

/** All parts, the whole first. */
function partsOf(written: Written): readonly Written[] {
  if ('bytes' in written) return [written]
  const inner = 'list' in written ? written.list : written.fields.map(([, value]) => value)
  return [written, ...inner.flatMap(partsOf)]
}

function replace(whole: Written, part: Written, by: Written): Written {
  if (whole === part) return by
  if ('bytes' in whole) return whole
  if ('list' in whole) return { list: whole.list.map((item) => replace(item, part, by)) }
  return { fields: whole.fields.map(([name, value]) => [name, replace(value, part, by)]) }
}

/** The same with its `at`-th part (counted round and round) changed. */
export function changePart(
  whole: Written,
  at: number,
  change: (part: Written) => Written,
): Written {
  const parts = partsOf(whole)
  const part = parts[at % parts.length] ?? whole
  return replace(whole, part, change(part))
}
