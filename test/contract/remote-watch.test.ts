import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Applied } from '../../src/log/engine.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel, post } from './engine-support.ts'
import { Recorder, Watcher } from './support/recorder.ts'
import { connected, openGateway, openWriter, temporaryDirectory } from './support/remote.ts'
import type { Writer } from './support/remote.ts'

let directory: ReturnType<typeof temporaryDirectory>
let writer: Writer

beforeEach(async () => {
  directory = temporaryDirectory()
  writer = await openWriter({ directory: directory.path })
})
afterEach(async () => {
  await writer.close()
  directory.remove()
})

const open = async (consumer: Recorder) => {
  const gateway = openGateway({ directory: directory.path, consumer })
  await connected(gateway.log)
  return gateway
}

it('a writer tells of new messages for agents while somebody wants to know, and else does not even look', async () => {
  const newestPlace = vi.spyOn(writer.core.engine, 'newestPlace')
  const id = newId()
  const say = (text: string) =>
    new Promise<Applied>((resolve) => {
      writer.core.submit(post(id, text), 1, resolve)
    })
  const other = await open(new Recorder())
  await other.log.append({ type: 'open-inbox', id: newId(), agentId: 'bot' })
  const participants = [{ entityId: 'bot', isAgent: true }]
  await other.log.append(createChannel({ id, participants }))
  await other.log.append(post(id, 'a'))
  expect(newestPlace).not.toHaveBeenCalled()

  const watcher = new Watcher()
  const host = await open(watcher)
  // Answered behind the frame by which it asked to be told.
  await host.log.follow(id)
  await say('b')
  await watcher.until(() => watcher.places.at(-1) === 2)
  host.link.reset('cut by the test')
  await vi.waitFor(() => expect(host.log.isConnected).toBe(false))
  await connected(host.log)
  await host.log.append(post(id, 'c'))
  await watcher.until(() => watcher.places.at(-1) === 3)

  await host.close()
  await vi.waitFor(() => expect(writer.links.links).toHaveLength(1))
  newestPlace.mockClear()
  await say('d')
  expect(newestPlace).not.toHaveBeenCalled()
  await other.close()
})
