import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RemoteLog } from '../../src/log/remote/remote-log.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel } from '../contract/engine-support.ts'
import { range, Recorder } from '../contract/support/recorder.ts'
import { openGateway, openWriter, temporaryDirectory } from '../contract/support/remote.ts'
import type { Gateway } from '../contract/support/remote.ts'
import { checkLoad, runLoad } from './support/load.ts'
import { compileWriter, forkWriter, kill } from './support/writer-process.ts'

const CHANNELS = 5

describe('the remote log under load', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let gateways: Gateway[]
  let feeds: Recorder[]
  let channelIds: readonly string[]

  beforeEach(() => {
    directory = temporaryDirectory()
    gateways = []
    feeds = []
    channelIds = range(1, CHANNELS).map(() => newId())
  })
  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()))
    directory.remove()
  })

  async function openGateways(count: number): Promise<readonly RemoteLog[]> {
    for (const _ of range(1, count)) {
      const feed = new Recorder()
      feeds.push(feed)
      gateways.push(openGateway({ directory: directory.path, consumer: feed }))
    }
    const logs = gateways.map(({ log }) => log)
    for (const id of channelIds) await logs[0]?.append(createChannel({ id }))
    for (const log of logs) await Promise.all(channelIds.map((id) => log.follow(id)))
    return logs
  }

  it('loses, doubles and reorders nothing while its links are cut again and again', async () => {
    const writer = await openWriter({ directory: directory.path })
    const logs = await openGateways(3)
    let cuts = 0
    const sent = await runLoad({
      logs,
      channelIds,
      count: 6_000,
      perTurn: 20,
      onTurn: async (turn) => {
        if (turn % 10 !== 5) return
        // From either side, and sometimes all at once.
        const { links } = writer.links
        if (turn % 20 === 5) gateways[turn % 3]?.link.reset('cut by the test')
        else if (turn % 30 === 15) links.forEach((link) => link.destroy('cut by the test'))
        else links[turn % Math.max(1, links.length)]?.destroy('cut by the test')
        cuts += 1
        if (turn % 50 === 25) await Promise.all(logs.map((log) => connectedOrSoon(log)))
      },
    })
    await checkLoad(sent, logs[0] as RemoteLog, feeds)
    expect(cuts).toBe(30)
    await Promise.all(gateways.map((gateway) => gateway.close()))
    await writer.close()
  })

  it('loses, doubles and reorders nothing while its writer is killed again and again', async () => {
    const plan = { modules: compileWriter(directory.path), directory: directory.path }
    let writer = await forkWriter(plan)
    const logs = await openGateways(2)
    let kills = 0
    let restarted = Promise.resolve(writer)
    const sent = await runLoad({
      logs,
      channelIds,
      count: 6_000,
      perTurn: 30,
      onTurn: async (turn) => {
        if (turn % 50 === 25) {
          kills += 1
          restarted = kill(writer).then(() => forkWriter(plan))
        }
        // The load goes on for a while without a writer.
        if (turn % 50 === 35) {
          writer = await restarted
          await Promise.all(logs.map((log) => connectedOrSoon(log)))
        }
      },
    })
    await kill(writer)
    writer = await forkWriter(plan)
    await checkLoad(sent, logs[0] as RemoteLog, feeds)
    expect(kills).toBe(4)
    await kill(writer)
  })
})

/** Resolves with the next connected state. */
function connectedOrSoon(log: RemoteLog): Promise<void> {
  return new Promise((resolve) => {
    if (log.isConnected) resolve()
    else log.onStateChange(() => resolve())
  })
}
