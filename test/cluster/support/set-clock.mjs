// Preloaded into every process of a server as `set-clock.mjs?file=…`: its date is off by the milliseconds that
// the file says, from the moment that somebody changes it. The monotonic clock, which timers use, goes on as it does
// when a machine's date is set.
import { readFileSync, watchFile } from 'node:fs'

const file = new URL(import.meta.url).searchParams.get('file') ?? ''
const RealDate = Date
const realNow = Date.now
let offsetMs = 0

const read = () => {
  offsetMs = Number(readFileSync(file, 'utf8'))
}
read()
watchFile(file, { interval: 20, persistent: false }, read)

const now = () => realNow() + offsetMs
globalThis.Date = class extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(now())
    else super(...values)
  }

  static now() {
    return now()
  }
}
