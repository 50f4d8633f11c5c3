import { createClock } from './clock.ts'
import type { Member } from './member.ts'
import { openMembers } from './open-members.ts'
import { startPacing } from './pacer.ts'
import type { Pacing } from './pacer.ts'
import type { Command, Reply, Request, Results, SendPlan } from './plan.ts'
import { Tally } from './tally.ts'

/** A generator is a process of its own; this is its main module, driven by `Generator` over IPC. */

const READ_BUFFER_BYTES = 256 * 1024
/** How long `stop` waits for acknowledgements and answers that do not come. */
const STOP_GRACE_MS = 5_000
const STOP_POLL_MS = 5

const readBuffer = Buffer.alloc(READ_BUFFER_BYTES)
const tally = new Tally(createClock())
const members: Member[] = []
const pacings: Pacing[] = []

function send(plan: SendPlan): null {
  const senders = members.filter((member) => member.plan.isSender)
  for (const member of members) member.sampleEvery = plan.sampleEvery
  const { pace } = plan
  if (pace.kind === 'paced') {
    pacings.push(startPacing(senders, pace.perSecond, tally.clock))
  } else if (pace.kind === 'turns') {
    for (const sender of senders) sender.converse(pace)
  } else {
    const most = pace.kind === 'burst' ? pace.messagesPerSender : Number.POSITIVE_INFINITY
    for (const sender of senders) sender.go({ inFlight: pace.inFlight, most })
  }
  return null
}

async function until(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = tally.clock() + timeoutMs
  while (!isTrue() && tally.clock() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS))
  }
}

async function stop(): Promise<null> {
  for (const pacing of pacings.splice(0)) pacing.stop()
  for (const member of members) member.halt()
  await until(() => members.every(({ isAnswered }) => isAnswered), STOP_GRACE_MS)
  return null
}

function disconnect(): null {
  for (const member of members.splice(0)) member.destroy()
  return null
}

async function run(command: Command): Promise<Results[Command['do']]> {
  switch (command.do) {
    case 'open': {
      const result = await openMembers(command.plan, readBuffer, tally)
      members.push(...result.members)
      return result.opened
    }
    case 'send':
      return send(command.plan)
    case 'finished':
      await until(() => members.every(({ isDone }) => isDone), command.timeoutMs)
      return members.every(({ isDone }) => isDone)
    case 'mark':
      return tally.mark()
    case 'stop':
      return stop()
    case 'totals':
      return tally.totals()
    case 'disconnect':
      return disconnect()
  }
}

async function answer(request: Request): Promise<Reply> {
  const { id } = request
  try {
    return { id, result: await run(request) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

process.on('message', (request: Request) => {
  void answer(request).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => {
  for (const pacing of pacings.splice(0)) pacing.stop()
  disconnect()
})
