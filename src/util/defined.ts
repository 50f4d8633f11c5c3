/** The type of an object once its null and undefined properties are gone. */
type Defined<T extends object> = { [Key in keyof T]?: NonNullable<T[Key]> }

/**
 * Leaves out what is null or undefined: to be absent and to be undefined differ in what is stored,
 * sent and typed.
 */
export function defined<T extends object>(values: T): Defined<T> {
  const result: Defined<T> = {}
  for (const key in values) {
    if (Object.hasOwn(values, key)) assign(result, key, values[key])
  }
  return result
}

function assign<T extends object, Key extends keyof T>(
  target: Defined<T>,
  key: Key,
  value: T[Key],
): void {
  if (value !== null && value !== undefined) target[key] = value
}
