/** An object type whose possibly undefined fields are optional instead. */
type Compact<T extends object> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/**
 * The object without its undefined fields; required fields stay required in its type.
 *
 * A row or command is built from parts that may be missing, and a field that is `undefined` is lost
 * or kept depending on the encoding that it meets.
 */
export function compact<T extends object>(value: T): Compact<T>
export function compact(value: Readonly<Record<string, unknown>>): object {
  const result: Record<string, unknown> = {}
  for (const key in value) {
    if (value[key] !== undefined) result[key] = value[key]
  }
  return result
}
