/** A promise with its two ends (`Promise.withResolvers` needs Node 22). */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

export function createDeferred<Value>(): Deferred<Value> {
  const ends: { resolve?: (value: Value) => void; reject?: (error: unknown) => void } = {}
  const promise = new Promise<Value>((resolve, reject) => {
    Object.assign(ends, { resolve, reject })
  })
  return {
    promise,
    resolve: (value) => ends.resolve?.(value),
    reject: (error) => ends.reject?.(error),
  }
}
