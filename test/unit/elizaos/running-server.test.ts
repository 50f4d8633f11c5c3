import { expect, it } from 'vitest'
import { RunningServer } from '../../../src/elizaos/running-server.ts'
import { createDeferred } from '../../../src/util/deferred.ts'

/** A server of whose runtimes the end fails. */
function running() {
  const failed = createDeferred<unknown>()
  const stopped: number[] = []
  const host = {
    add: async () => undefined,
    remove: () => undefined,
    close: () => Promise.reject(new Error('the runtimes were not closed')),
  }
  const process = { stop: async (drainMs: number) => void stopped.push(drainMs) }
  const url = 'http://127.0.0.1:1'
  const server = new RunningServer({ process, host, url, drainMs: 7 }, failed.promise)
  return { server, stopped, failed }
}

it('stops its process also where its runtimes cannot be closed, and says why', async () => {
  const { server, stopped } = running()
  await expect(server.stop()).rejects.toThrow('the runtimes were not closed')
  expect(stopped).toEqual([7])
  await expect(server.ended).rejects.toThrow('the runtimes were not closed')
})

it('does so where it fails, and says what it failed with', async () => {
  const { server, stopped, failed } = running()
  failed.resolve(new Error('the server ended'))
  await expect(server.ended).rejects.toThrow('the server ended')
  await expect(server.stop()).rejects.toThrow('the runtimes were not closed')
  expect(stopped).toEqual([7])
})
