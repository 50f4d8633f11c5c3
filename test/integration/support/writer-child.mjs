// Serves the log from compiled sources until it is killed; says 'ready' once it can be reached. Where a type of
// command is given, it dies as soon as one of them is on disk, before anybody is answered.
import { join } from 'node:path'

const [modules, directory, lastType] = process.argv.slice(2)
const load = (file) => import(join(modules, file))
const { listenLinks } = await load('ipc/listen.js')
const { LogCore } = await load('log/core.js')
const { LogServer } = await load('log/server.js')
const { openSqliteEngine } = await load('log/sqlite/sqlite-engine.js')

const engine = openSqliteEngine({ file: join(directory, 'log.db'), durability: 'full' })
const apply = engine.apply.bind(engine)
engine.apply = (commands) => {
  const applied = apply(commands)
  if (commands.some(({ type }) => type === lastType)) process.kill(process.pid, 'SIGKILL')
  return applied
}
const onFailure = (error) => {
  throw error
}
const core = new LogCore({ engine, onFailure })
core.start()
const server = new LogServer({ core })
await listenLinks({
  path: join(directory, 'writer.sock'),
  self: { role: 'writer', id: String(process.pid) },
  onLink: (link) => server.serve(link),
})
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.send('ready')
