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
export function compact(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
}
