import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ReconnectingLink } from '../../../src/ipc/reconnecting-link.ts'
import { openRemoteLog } from '../../../src/log/remote/remote-log.ts'
import type { RemoteLog } from '../../../src/log/remote/remote-log.ts'
import { openSqliteReader } from '../../../src/log/sqlite/sqlite-engine.ts'
import { newId } from '../../../src/util/new-id.ts'
import { Posts } from './posts.ts'
import type { RatePlan } from './rate.ts'

const WRITER_MODULE = fileURLToPath(new URL('log-writer.js', import.meta.url))
const START_TIMEOUT_MS = 10_000
/** As many as 200 sockets with 8 messages in flight each. */
const IN_FLIGHT = 1_600

async function startWriter(dir: string): Promise<ChildProcess> {
  const writer = fork(WRITER_MODULE, [dir], { execArgv: [] })
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error('the writer did not start'))
    }, START_TIMEOUT_MS)
    writer.once('message', () => {
      clearTimeout(late)
      resolve()
    })
    writer.once('exit', (code) => {
      clearTimeout(late)
      reject(new Error(`the writer ended with ${code}`))
    })
  })
  return writer
}

function connect(dir: string): { readonly log: RemoteLog; readonly link: ReconnectingLink } {
  const link = new ReconnectingLink({
    path: join(dir, 'writer', 'log.sock'),
    self: { role: 'gateway', id: newId() },
  })
  const log = openRemoteLog({
    link,
    reader: openSqliteReader({ file: join(dir, 'remote.db'), busyTimeoutMs: 250 }),
    consumer: { onEntries: () => undefined, onEphemeral: () => undefined },
    onDiverged: (reason) => {
      throw new Error(reason)
    },
  })
  link.start()
  return { log, link }
}

/** The log as one gateway has it: framing, the socket, group commit, engine, answers. Nobody follows a channel. */
export async function measureRemoteLog(plan: RatePlan): Promise<number> {
  const writer = await startWriter(plan.dir)
  const { log, link } = connect(plan.dir)
  const posts = new Posts()
  let count = 0
  let isOver = false
  const lane = async (): Promise<void> => {
    while (!isOver) {
      await log.append(posts.next())
      count += 1
    }
  }
  const lanes = Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  // A failed lane ends the measurement at once, not after its time.
  await Promise.race([lanes, sleep(plan.warmUpSeconds * 1_000)])
  const before = { count, atMs: performance.now() }
  await Promise.race([lanes, sleep(plan.seconds * 1_000)])
  const rate = ((count - before.count) / (performance.now() - before.atMs)) * 1_000
  isOver = true
  await lanes
  await log.close()
  await link.close()
  writer.kill('SIGKILL')
  return rate
}
