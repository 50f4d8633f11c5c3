// Preloaded into the executable: kills it just before its KILL_AT_STEP-th change of names in a directory, or
// its writing of one to the disk. What it is about to do is what a power cut or a kill there would leave undone.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const killAt = Number(process.env['KILL_AT_STEP'])
let steps = 0

for (const name of ['linkSync', 'renameSync', 'rmSync', 'fsyncSync', 'fdatasyncSync']) {
  const real = fs[name]
  fs[name] = (...args) => {
    steps += 1
    if (steps === killAt) process.kill(process.pid, 'SIGKILL')
    return real(...args)
  }
}
syncBuiltinESMExports()
