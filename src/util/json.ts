/** What JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object; keys are data and never reach a prototype. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * True when a decoded payload is plain JSON no deeper than `maxDepth` levels.
 *
 * Socket.IO hands out Buffers where a client sent binary attachments, and a value that only looks
 * like JSON would be stored as something else than what was sent.
 */
export function isPlainJson(value: unknown, maxDepth: number): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || maxDepth <= 0) return false
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, maxDepth - 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  return Object.values(value).every((item) => item === undefined || isPlainJson(item, maxDepth - 1))
}
