// Preloaded into every process of a server: makes the long waits of connections a hundred times shorter, so
// that a test need not wait for them. They are known by their length; all other timers stay as they are.
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'

/** Engine.IO's ping interval and its time-out, and the time for a first connect and after a goodbye. */
const HASTENED_MS = new Set([25_000, 20_000, 10_000])
const FACTOR = 100

const real = timers.setTimeout
const hastened = (callback, delayMs, ...args) =>
  real(callback, HASTENED_MS.has(delayMs) ? delayMs / FACTOR : delayMs, ...args)

timers.setTimeout = hastened
globalThis.setTimeout = hastened
syncBuiltinESMExports()
