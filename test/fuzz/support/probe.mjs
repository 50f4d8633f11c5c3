// Preloaded into every process of a server: asked by SIGWINCH, which does nothing to a process that does not
// listen, it collects its garbage and writes what it holds to a file of its own.
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import v8 from 'node:v8'
import vm from 'node:vm'

const directory = process.env['PROBE_DIR']

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

function countListeners() {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
}

process.on('SIGWINCH', () => {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  const handles = process.getActiveResourcesInfo()
  const facts = {
    heldBytes: heapUsed + external,
    handles: handles.filter((name) => name !== 'Immediate').length,
    listeners: countListeners(),
    files: readdirSync('/proc/self/fd').length,
  }
  const file = path.join(directory, String(process.pid))
  writeFileSync(`${file}.new`, JSON.stringify(facts))
  renameSync(`${file}.new`, file)
})
