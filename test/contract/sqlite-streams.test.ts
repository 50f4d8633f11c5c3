import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { StoreEngine } from '../../src/log/engine/store-engine.ts'
import { openWriterDatabase } from '../../src/log/sqlite/open-database.ts'
import { renewEpoch } from '../../src/log/sqlite/renew-epoch.ts'
import { SqliteStore } from '../../src/log/sqlite/sqlite-store.ts'
import { isFull } from '../../src/log/sqlite/storage-errors.ts'
import { newId } from '../../src/util/new-id.ts'
import { cancelStream, checkpoint, endStream, openStream } from './engine-stream-support.ts'
import { apply, channelIn, refusal, textsOf } from './engine-support.ts'
import { databaseIn, temporaryDirectory } from './support/remote.ts'

let directory: ReturnType<typeof temporaryDirectory>
let file: string
let database: ReturnType<typeof openWriterDatabase>
let engine: StoreEngine
let channelId: string

const open = () => {
  database = openWriterDatabase(file, 'full')
  engine = new StoreEngine({ store: new SqliteStore(database), now: Date.now, isFull })
}

beforeEach(() => {
  directory = temporaryDirectory()
  file = databaseIn(directory.path)
  open()
  apply(engine, {
    type: 'create-server',
    id: newId(),
    server: { id: 's', name: 'S', sourceType: 'test' },
  })
  channelId = channelIn(engine, { serverId: 's' })
})
afterEach(() => {
  engine.close()
  directory.remove()
})

it('finds the streams that go on when it is opened again, a restored file too, and ends them', () => {
  const one = openStream(channelId, 'one', { answers: 'asked' })
  const two = openStream(channelId, 'two')
  for (const command of [one, two]) apply(engine, command)
  apply(engine, checkpoint({ [one.message.id]: 'so far' }))
  apply(engine, cancelStream(channelId, two.message.id))
  const before = engine.activeStreams()
  expect(before).toHaveLength(2)
  for (const between of [() => undefined, () => renewEpoch(file)]) {
    engine.close()
    between()
    open()
    expect(engine.activeStreams()).toEqual(before)
  }
  expect(apply(engine, one).outcome.isDuplicate).toBe(true)
  apply(engine, endStream(one, 'whole'))
  engine.close()
  open()
  expect(engine.activeStreams()).toMatchObject([{ name: 'two', isCancelled: true }])
  expect(apply(engine, endStream(one, 'whole')).outcome).toMatchObject({ isDuplicate: true })
  expect(textsOf(engine, channelId)).toEqual(['whole'])
})

it('counts them as they are after a batch that had no room', () => {
  const { maxStreams } = ENGINE_LIMITS
  const most = Array.from({ length: maxStreams - 1 }, (_, at) => openStream(channelId, `${at}`))
  engine.apply(most)
  const used = Number(database.pragma('page_count', { simple: true }))
  database.pragma(`max_page_count = ${used + 2}`)
  const large = checkpoint({ [most[0]!.message.id]: 'x'.repeat(100_000) })
  const batch = [endStream(most[1]!, ''), openStream(channelId, 'a'), openStream(channelId, 'b')]
  expect(() => engine.apply([...batch, large])).toThrow('disk is full')
  database.pragma(`max_page_count = ${used + 1_000}`)
  expect(engine.activeStreams()).toHaveLength(maxStreams - 1)
  apply(engine, openStream(channelId, 'last'))
  expect(refusal(engine, openStream(channelId, 'more'))).toBe('OVERLOADED')
})

it('keeps nothing of a text in the file once its message is erased', () => {
  const secret = 'what only the stream said'
  const isInFile = () => readFileSync(file).includes(secret)
  const stream = openStream(channelId, 'n')
  apply(engine, stream)
  apply(engine, checkpoint({ [stream.message.id]: `${secret}${'x'.repeat(10_000)}` }))
  engine.close()
  expect(isInFile()).toBe(true)
  open()
  apply(engine, endStream(stream, `${secret}, and more`))
  apply(engine, { type: 'delete', id: newId(), messageId: stream.message.id })
  engine.close()
  expect(isInFile()).toBe(false)
  open()
})
