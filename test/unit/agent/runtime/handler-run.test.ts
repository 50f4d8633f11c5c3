import { pino } from 'pino'
import { expect, it } from 'vitest'
import { HandlerRun } from '../../../../src/agent/runtime/handler-run.ts'
import type { OutgoingStream } from '../../../../src/agent/runtime/outgoing-stream.ts'
import type { Run } from '../../../../src/agent/runtime/run.ts'
import { Stop } from '../../../../src/agent/runtime/stop.ts'
import { WorkUnderWay } from '../../../../src/agent/work-under-way.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'

/** A run whose stream is shown, and whose end the log takes its time to store. */
function slowRun(handler: (run: Run) => Promise<void>) {
  const stored = createDeferred<void>()
  const cuts: string[] = []
  const stream = {
    isLeft: true,
    messageId: 'm',
    cut: (state: string) => {
      cuts.push(state)
      return stored.promise
    },
  } as unknown as OutgoingStream
  const handlerRun = new HandlerRun({
    underWay: new WorkUnderWay(),
    handlerTimeoutMs: 60_000,
    graceMs: 1_000,
    ending: new Stop(),
    logger: pino({ level: 'silent' }),
    call: async (run) => {
      run.streams.add(stream)
      await handler(run)
    },
  })
  return { handlerRun, stored, cuts }
}

const CANCELLED = { kind: 'cancelled' } as const

it('has failed where its handler threw before somebody stopped it, whatever the log takes to store that', async () => {
  const { handlerRun, stored, cuts } = slowRun(() => Promise.reject(new Error('not my day')))
  while (cuts.length === 0) await Promise.resolve()
  handlerRun.run.halt(CANCELLED, 'it was cancelled')
  stored.resolve()
  const ending = { state: 'failed', reason: 'Error: not my day', isFinal: true }
  expect(await handlerRun.ended).toMatchObject(ending)
  expect(cuts[0]).toBe('failed')
  await handlerRun.closed
})

it('is done where its handler throws since somebody has stopped it', async () => {
  const { handlerRun, stored } = slowRun(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('told to stop'))
        })
      }),
  )
  stored.resolve()
  handlerRun.run.halt(CANCELLED, 'it was cancelled')
  expect(await handlerRun.ended).toEqual({ state: 'done' })
  await handlerRun.closed
})
