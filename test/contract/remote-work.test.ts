import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Entry, Ephemeral } from '../../src/protocol/model.ts'
import { ToldCompletions } from '../../src/service/told-completions.ts'
import { newId } from '../../src/util/new-id.ts'
import { endStream, openStream } from './engine-stream-support.ts'
import { post } from './engine-support.ts'
import { ask, channelWith } from './log-work.ts'
import { Course } from './support/course.ts'
import { connected, openGateway, openWriter, temporaryDirectory } from './support/remote.ts'
import type { Gateway, Writer } from './support/remote.ts'

const AGENTS = ['ada', 'bob'] as const

/** Sees what clients of a gateway are told: of what is told over several links, each completion once. */
class ClientsCourse extends Course {
  readonly #completions = new Map<string, ToldCompletions>()

  override onEntries(id: string, entries: readonly Entry[]): void {
    this.#of(id).takeEntries(entries)
    super.onEntries(id, entries)
  }

  override onEphemeral(frame: Ephemeral): void {
    for (const each of this.#of(frame.channelId).take(frame)) super.onEphemeral(each)
  }

  #of(id: string): ToldCompletions {
    const completions = this.#completions.get(id) ?? new ToldCompletions(id)
    this.#completions.set(id, completions)
    return completions
  }
}

let directory: ReturnType<typeof temporaryDirectory>
let writer: Writer
let course: Course
let gateway: Gateway
let host: Gateway
let channelId: string

beforeEach(async () => {
  directory = temporaryDirectory()
  writer = await openWriter({ directory: directory.path })
  course = new ClientsCourse()
  gateway = openGateway({ directory: directory.path, consumer: course })
  host = openGateway({ directory: directory.path, consumer: new Course() })
  await Promise.all([connected(gateway.log), connected(host.log)])
  channelId = await channelWith(host.log, AGENTS)
  await gateway.log.follow(channelId)
  host.log.runAgents(AGENTS)
})
afterEach(async () => {
  await Promise.all([gateway.close(), host.close()])
  await writer.close()
  directory.remove()
})

const streamOf = (agentId: string) =>
  openStream(channelId, newId(), { message: { authorId: agentId } })
const isStreaming = (one: string): boolean => /^(activity, )?ada streaming/.test(one)
const settle = (agentId: string, upTo: number) =>
  host.log.append({ type: 'settle', id: newId(), agentId, upTo })

/** Another writer in place of the one that there is, which `meanwhile` does without. */
async function replaceWriter(meanwhile: () => void = () => undefined): Promise<void> {
  await writer.close()
  await vi.waitFor(() =>
    expect([gateway, host].map(({ log }) => log.isConnected)).toEqual([false, false]),
  )
  meanwhile()
  writer = await openWriter({ directory: directory.path })
  await Promise.all([connected(gateway.log), connected(host.log)])
}

/** Cuts a link, and resolves when it was lost, before there is another. */
async function cut({ link, log }: Gateway): Promise<void> {
  link.reset('cut by the test')
  await vi.waitFor(() => expect(log.isConnected).toBe(false))
}

/** What was seen once everything that was told before is there. */
async function seen(): Promise<readonly string[]> {
  const last = post(channelId, newId())
  await host.log.append(last)
  await course.until(
    () =>
      course.entries(channelId).at(-1)?.seq !== undefined &&
      course.seen.includes(`said ${last.message.body.text}`),
  )
  return course.seen.filter((one) => one !== `said ${last.message.body.text}`)
}

describe('what agents are through with', () => {
  it('is told once, also where their process had no link as they ended', async () => {
    const one = await ask(host.log, channelId, 'one')
    const two = await ask(host.log, channelId, 'two')
    for (const agentId of AGENTS) host.log.beginTurn(one.by(agentId))
    host.log.endTurn(one.by('ada'))
    host.log.endTurn(two.by('ada'))
    await course.upTo('ada idle one')
    await cut(host)
    host.log.endTurn(one.by('bob'))
    await connected(host.log)
    await course.upTo('complete one')
    await cut(host)
    await connected(host.log)
    host.log.endTurn(two.by('bob'))
    await course.upTo('complete two')
    await cut(host)
    await connected(host.log)
    await settle('ada', two.by('ada').place)
    const all = await seen()
    expect(all).toEqual([
      'said one',
      'said two',
      'ada thinking one',
      'bob thinking one',
      'ada idle one',
      'bob idle one',
      'complete one',
      'complete two',
    ])
  })

  it('is known to the next writer, by what they say again and by what they stored', async () => {
    const [settled, said, later] = [
      await ask(host.log, channelId, 'settled'),
      await ask(host.log, channelId, 'said'),
      await ask(host.log, channelId, 'later'),
    ]
    host.log.endTurn(settled.by('ada'))
    await settle('ada', settled.by('ada').place)
    host.log.endTurn(said.by('ada'))
    host.log.endTurn(later.by('ada'))
    await replaceWriter(() => host.log.endTurn(said.by('bob')))
    await course.upTo('complete said')
    host.log.endTurn(settled.by('bob'))
    await course.upTo('complete settled')
    await settle('bob', later.by('bob').place)
    await course.upTo('complete later')
    for (const { by } of [settled, said, later])
      for (const each of AGENTS) host.log.endTurn(by(each))
    const completed = (await seen()).filter((one) => one.startsWith('complete'))
    expect(completed).toEqual(['complete said', 'complete settled', 'complete later'])
  })

  it('waits in the next writer, too, for whom nobody runs any more', async () => {
    const { by } = await ask(host.log, channelId, 'question')
    host.log.endTurn(by('ada'))
    await settle('ada', by('ada').place)
    await replaceWriter()
    await host.log.append({ type: 'stop-agent', id: newId(), agentId: 'bob' })
    await course.upTo('complete question')
  })

  it('is told to whoever follows over a new link, whether it was told before or not, and to nobody else', async () => {
    const one = await ask(host.log, channelId, 'one')
    const two = await ask(host.log, channelId, 'two')
    const others = await channelWith(host.log, [])
    await gateway.log.follow(others)
    host.log.beginTurn(two.by('ada'))
    for (const agentId of AGENTS) await settle(agentId, one.by('ada').place)
    await course.upTo('complete one')
    await cut(gateway)
    await course.upTo('activity, ada thinking, one is complete')
    for (const agentId of AGENTS) host.log.endTurn(two.by(agentId))
    await course.upTo('complete two')
    for (const agentId of AGENTS) await settle(agentId, two.by('ada').place)
    // A new writer knows it by what is stored.
    await replaceWriter()
    await course.upTo('activity, one is complete, two is complete')
    expect([course.count('complete one'), course.count('complete two')]).toEqual([1, 1])
    expect(course.count('activity')).toBe(2)
    const late = new Course()
    const latecomer = openGateway({ directory: directory.path, consumer: late })
    await connected(latecomer.log)
    await latecomer.log.follow(channelId)
    expect(late.seen).toEqual([])
    await latecomer.close()
  })

  it('is heard by followers that had no link as it was told, with what is the last of their own', async () => {
    const one = await ask(host.log, channelId, 'one')
    const two = await ask(host.log, channelId, 'two')
    await course.upTo('said two')
    await cut(gateway)
    for (const agentId of AGENTS) host.log.endTurn(one.by(agentId))
    const three = await ask(host.log, channelId, 'three')
    for (const agentId of AGENTS) host.log.endTurn(three.by(agentId))
    await settle('ada', three.by('ada').place)
    await connected(gateway.log)
    await course.upTo('complete three')
    await replaceWriter(() => host.log.endTurn(two.by('bob')))
    await course.upTo('complete two')
    const completed = (await seen()).filter((each) => each.startsWith('complete'))
    expect(completed.toSorted()).toEqual(['complete one', 'complete three', 'complete two'])
  })
})

describe('a stream', () => {
  it('goes on over new links and writers, with the text that followers do not have', async () => {
    const { by } = await ask(host.log, channelId, 'question')
    const stream = streamOf('ada')
    const { id: messageId } = stream.message
    host.log.beginTurn(by('ada'))
    await host.log.append(stream)
    host.log.writeStream({ messageId, index: 0, offset: 0, chunk: 'one ' })
    await course.upTo('ada 0+one ')
    await cut(host)
    host.log.writeStream({ messageId, index: 1, offset: 4, chunk: 'two ' })
    await course.upTo('ada 4+two ')
    const before = course.seen.length
    await replaceWriter(() =>
      host.log.writeStream({ messageId, index: 2, offset: 8, chunk: 'three' }),
    )
    // A new writer knows what is claimed: followers get the rest, or begin anew with all of it.
    await course.until(() => course.seen.some((each) => /^(ada|activity).*three(,|$)/s.test(each)))
    // So does its turn, as what it had come to.
    await course.until(() => course.seen.slice(before).some(isStreaming))
    await host.log.append(endStream(stream, 'one two three'))
    host.log.endTurn(by('ada'))
    const all = await seen()
    expect(all.at(-2)).toBe('said one two three')
    expect(all.at(-1)).toBe('ada idle question')
    expect(all.filter((one) => one.includes('interrupted'))).toEqual([])
  })

  it('ends as interrupted, with all that was written, when its process does not come back, and so does its turn', async () => {
    const { by } = await ask(host.log, channelId, 'question')
    const stream = streamOf('ada')
    host.log.beginTurn(by('ada'))
    await host.log.append(stream)
    host.log.writeStream({ messageId: stream.message.id, index: 0, offset: 0, chunk: 'half' })
    await course.upTo('ada 0+half')
    await host.close()
    await course.until(() => course.seen.includes('said half interrupted'))
    await course.upTo('ada idle question')
    host = openGateway({ directory: directory.path, consumer: new Course() })
    await connected(host.log)
    // Nobody is waited for less by that: another process begins anew.
    host.log.runAgents(AGENTS)
    for (const agentId of AGENTS) host.log.endTurn(by(agentId))
    await course.upTo('complete question')
    expect(course.count('complete question')).toBe(1)
  })
})
