import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { InboxCommand } from '../../src/log/inbox.ts'
import { newId } from '../../src/util/new-id.ts'
import { compileWriter, forkWriter, kill } from '../integration/support/writer-process.ts'
import { createChannel, post } from './engine-support.ts'
import { Watcher } from './support/recorder.ts'
import { openGateway, temporaryDirectory } from './support/remote.ts'

const BOT = 'bot'
const ALL = { agentId: BOT, after: 0, limit: 100 } as const

const directory = temporaryDirectory()
let modules: string
beforeAll(() => {
  modules = compileWriter(directory.path)
})
afterAll(() => directory.remove())

it('a writer that dies between the commit and the answer of a settle, a retry or a discard does each once', async () => {
  const plan = { modules, directory: directory.path }
  const consumer = new Watcher()
  let writer = await forkWriter({ ...plan, lastType: 'settle' })
  const gateway = openGateway({ directory: directory.path, consumer })
  const { log } = gateway

  /** Appends; the writer dies of it, and the next one, which dies of `lastType`, answers. */
  const survive = async (command: InboxCommand, lastType?: InboxCommand['type']) => {
    const died = once(writer, 'exit')
    const answer = log.append(command)
    expect(await died).toEqual([null, 'SIGKILL'])
    writer = await forkWriter({ ...plan, ...(lastType !== undefined && { lastType }) })
    return answer
  }

  const channelId = newId()
  await log.append({ type: 'open-inbox', id: newId(), agentId: BOT })
  const participants = [{ entityId: BOT, isAgent: true }]
  await log.append(createChannel({ id: channelId, participants }))
  const said = [post(channelId, 'a'), post(channelId, 'b')]
  for (const each of said) await log.append(each)
  await consumer.until(() => consumer.places.at(-1) === 2)
  const failures = said.map(({ message }, index) => ({
    messageId: message.id,
    place: index + 1,
    attempts: 3,
    reason: 'it threw',
  }))
  const command = { id: newId(), agentId: BOT } as const
  const settled = await survive({ type: 'settle', ...command, upTo: 2, failures }, 'retry-failure')
  expect(settled).toEqual({ place: 2, isDuplicate: true })
  expect((await log.failures(BOT, { limit: 9 })).map(({ place }) => place)).toEqual([2, 1])

  const [first, second] = said.map(({ message }) => message.id)
  const on = (messageId = '') => ({ id: newId(), agentId: BOT, messageId })
  const again = await survive({ type: 'retry-failure', ...on(first) }, 'discard-failure')
  expect(again).toEqual({ place: 1, isDuplicate: true })
  expect((await log.retries(ALL)).items.map(({ place }) => place)).toEqual([1])
  const gone = await survive({ type: 'discard-failure', ...on(second) })
  expect(gone).toEqual({ place: 2, isDuplicate: true })
  expect((await log.failures(BOT, { limit: 9 })).map(({ place }) => place)).toEqual([1])

  // The third writer was asked to tell as well.
  await log.append(post(channelId, 'c'))
  await consumer.until(() => consumer.places.at(-1) === 3)
  await gateway.close()
  await kill(writer)
})
