// Runs random commands on a SQLite log and writes down, in a file of the same directory, what it asks for and
// what it is answered: `node power-cut-child.mjs <engine module> <directory> <seed> <batches>`.
import { openSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [engineModule, directory, seedText, batchesText] = process.argv.slice(2)
const Database = createRequire(engineModule)('better-sqlite3')
const { openSqliteEngine } = await import(pathToFileURL(engineModule).href)

let state = Number(seedText)
/** xorshift32 */
function random(below) {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

const diary = openSync(join(directory, 'diary'), 'a')
const note = (happening) => writeSync(diary, `${JSON.stringify(happening)}\n`)
const open = () => openSqliteEngine({ file: join(directory, 'log.db'), durability: 'full' })
const channels = ['a', 'b', 'c']
const posted = []
let lastId = 0
let engine = open()

const nextId = () => `id-${(lastId += 1)}`

function create(id) {
  const channel = {
    id,
    serverId: '00000000-0000-0000-0000-000000000000',
    name: id,
    type: 'GROUP',
    metadata: {},
    participants: [],
  }
  return { type: 'create-channel', id: nextId(), channel }
}

function post() {
  const id = nextId()
  const channelId = channels[random(channels.length)]
  // Some bodies take many pages, so that checkpoints come soon.
  const text = `${id} `.repeat(random(4) === 0 ? 3_000 + random(5_000) : 1 + random(20))
  const message = { id, channelId, authorId: 'author', clientMessageId: `c-${id}`, body: { text } }
  posted.push({ id, channelId })
  return { type: 'post', id, message }
}

function change() {
  const { id: messageId, channelId } = posted[random(posted.length)]
  switch (random(20)) {
    case 0:
      return { type: 'clear', id: nextId(), channelId }
    case 1:
    case 2:
    case 3:
    case 4:
      return { type: 'delete', id: nextId(), messageId }
    default:
      return {
        type: 'edit',
        id: nextId(),
        messageId,
        changes: { text: 'edited '.repeat(1 + random(3_000)) },
      }
  }
}

/** What later checks need of a command. */
function brief({ type, id, message, messageId, channelId }) {
  if (type === 'post')
    return { type, id, channelId: message.channelId, length: message.body.text.length }
  return { type, messageId, channelId }
}

function apply(commands) {
  note({ begin: commands.map(brief) })
  const applied = engine.apply(commands)
  note({
    done: applied.map((one) => ('outcome' in one ? (one.outcome.seq ?? null) : one.error.code)),
  })
}

/** What the writer's own connection does after some thousand pages, sooner. */
function checkpoint() {
  const database = new Database(join(directory, 'log.db'))
  database.pragma('synchronous = FULL')
  database.pragma('wal_checkpoint(PASSIVE)')
  database.close()
}

apply(channels.map(create))
for (let batch = 0; batch < Number(batchesText); batch += 1) {
  const size = 1 + random(30)
  apply(
    Array.from({ length: size }, () => (posted.length > 0 && random(4) === 0 ? change() : post())),
  )
  if (random(3) === 0) engine.sweep()
  if (random(12) === 0) checkpoint()
  if (random(40) === 0) {
    engine.close()
    engine = open()
  }
}
engine.close()
