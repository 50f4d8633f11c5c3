import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Applied } from '../../src/log/engine.ts'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import type { Command } from '../../src/log/log.ts'
import { createMemoryEngine } from '../../src/log/memory/memory-engine.ts'
import { STREAM_ENDS } from '../../src/protocol/model.ts'
import type { Entry, MessageBody } from '../../src/protocol/model.ts'
import { commands, NAMES } from './engine-commands.ts'
import type { OpenEngine } from './engine.contract.ts'
import { entriesOf } from './engine-support.ts'

type OpenStream = Extract<Command, { type: 'open-stream' }>
type StreamCommand = Extract<Command, { type: `${string}-stream` | 'checkpoint-streams' }>

const STREAM_IDS = ['s1', 's2', 's3', ...NAMES.messages.slice(0, 2)] as const
const id = fc.constant('')
const channelId = fc.constantFrom(...NAMES.channels.slice(0, 2))
const messageId = fc.constantFrom(...STREAM_IDS)
/** Those of posts, too. */
const name = fc.constantFrom('k1', 'k2', 'k3')
const text = fc.constantFrom('', 'a', 'bb')
const body = fc.record({ text, source: fc.constant('s') })

const opening = fc.record(
  {
    type: fc.constant('open-stream' as const),
    id,
    owner: fc.constantFrom('host', 'stranger'),
    message: fc.record({
      id: messageId,
      channelId,
      authorId: fc.constantFrom('bot', 'bob'),
      clientMessageId: name,
      body: fc.constant({ text: '', source: 's' }),
    }),
    answers: fc.constant('asked'),
    again: name,
  },
  { requiredKeys: ['type', 'id', 'owner', 'message'] },
)

const end = fc.record({
  type: fc.constant('end-stream' as const),
  id,
  messageId,
  state: fc.constantFrom(...STREAM_ENDS),
  body,
})

const cancel = fc.record({ type: fc.constant('cancel-stream' as const), id, channelId, messageId })

const checkpoint = fc.record({
  type: fc.constant('checkpoint-streams' as const),
  id,
  texts: fc.array(fc.record({ messageId, text }), { maxLength: 2 }),
})

const ofStreams: fc.Arbitrary<StreamCommand> = fc.oneof(
  { weight: 6, arbitrary: opening },
  { weight: 4, arbitrary: end },
  { weight: 2, arbitrary: cancel },
  { weight: 1, arbitrary: checkpoint },
)

const MAKING = NAMES.channels.slice(0, 2).map((channel): Command => {
  const draft = { id: channel, serverId: NAMES.servers[0], name: '', type: 'GROUP' } as const
  const participants = [{ entityId: 'bot', isAgent: true }]
  return { type: 'create-channel', id: channel, channel: { ...draft, metadata: {}, participants } }
})

interface Kept {
  readonly channelId: string
  readonly agentId: string
  readonly names: readonly string[]
  readonly owner: string
  isCancelled: boolean
  text: string
}

/** The promises of streams in the plainest form, held against both engines in step. */
class Run {
  readonly #engines: readonly SweepingEngine[]
  readonly #sent: Command[] = []
  readonly #goingOn = new Map<string, Kept>()
  readonly #posted = new Set<string>()
  /** Those that were never streams. */
  readonly #said = new Set<string>()
  readonly #saidAs = new Set<string>()

  constructor(engines: readonly SweepingEngine[]) {
    this.#engines = engines
    for (const command of MAKING) this.#apply(command)
  }

  send(command: Command): void {
    const sent = { ...command, id: `command-${this.#sent.length}` }
    this.#sent.push(sent)
    const applied = this.#apply(sent)
    if (!isOfStreams(sent) || 'error' in applied || this.#isSuperseded(sent, applied)) return
    const again = this.#apply(sent)
    if ('error' in again) throw again.error
    expect([again.entries, again.outcome.stream]).toEqual([[], applied.outcome.stream])
  }

  repeat(back: number): void {
    const command = this.#sent.at(-1 - back)
    if (command !== undefined) this.#apply(command)
  }

  #apply(command: Command): Applied {
    const [applied, ...others] = this.#engines.map((engine) => engine.apply([command])[0]!)
    for (const other of others) expect(other).toEqual(applied)
    if (!('error' in applied!)) this.#note(command, applied!)
    this.#checkGoingOn()
    return applied!
  }

  #note(command: Command, { outcome, entries }: Exclude<Applied, { error: unknown }>): void {
    for (const entry of entries) this.#noteEntry(command, entry)
    const { stream } = outcome
    if (command.type === 'end-stream') this.#goingOn.delete(command.messageId)
    if (command.type === 'open-stream') this.#noteOpen(command, outcome)
    if (command.type === 'cancel-stream') {
      const kept = this.#goingOn.get(command.messageId)
      const isHere = kept?.channelId === command.channelId
      expect(stream?.state === 'streaming').toBe(isHere)
      if (isHere) kept.isCancelled = true
    }
    if (command.type !== 'checkpoint-streams') return
    for (const { messageId: about, text: told } of command.texts) {
      const kept = this.#goingOn.get(about)
      if (kept !== undefined) kept.text = told
    }
  }

  #noteEntry(command: Command, entry: Entry): void {
    if (entry.kind === 'removed') {
      for (const [one, { channelId: of }] of this.#goingOn) {
        if (of === entry.channelId) this.#goingOn.delete(one)
      }
    }
    if (entry.kind !== 'posted' || entry.message === null) return
    const { message } = entry
    expect(this.#posted.has(message.id)).toBe(false)
    this.#posted.add(message.id)
    if (command.type === 'post') {
      this.#said.add(message.id)
      this.#saidAs.add([message.channelId, message.authorId, message.clientMessageId].join(' '))
      return
    }
    const kept = this.#goingOn.get(message.id)
    expect(kept?.names).toContain(message.clientMessageId)
    expect(message.body).toMatchObject(expectedBody(command, kept!))
    this.#goingOn.delete(message.id)
  }

  #noteOpen(
    command: OpenStream,
    { stream, isDuplicate, message }: Extract<Applied, { outcome: unknown }>['outcome'],
  ): void {
    const { message: draft, again, owner } = command
    const names = [draft.clientMessageId, ...(again === undefined ? [] : [again])]
    this.#noteReplaced(command, names)
    if (stream!.state !== 'streaming') {
      expect(message).toMatchObject({ id: stream!.messageId, channelId: draft.channelId })
      expect(names).toContain(message!.clientMessageId)
      expect(isDuplicate).toBe(true)
      return
    }
    if (isDuplicate === true) {
      expect(this.#goingOn.get(stream!.messageId)).toMatchObject({ owner })
      return
    }
    expect([stream!.messageId, this.#posted.has(draft.id)]).toEqual([draft.id, false])
    const { channelId: of, authorId: agentId } = draft
    const state = { isCancelled: false, text: '' }
    this.#goingOn.set(draft.id, { channelId: of, agentId, names, owner, ...state })
  }

  /** Those that are gone without a message: strangers', without a text or with a name or id that was taken. */
  #noteReplaced({ message, owner }: OpenStream, names: readonly string[]): void {
    const left = new Set(this.#engines[0]!.activeStreams().map(({ messageId: one }) => one))
    for (const [one, kept] of this.#goingOn) {
      if (left.has(one)) continue
      expect([kept.channelId, kept.agentId]).toEqual([message.channelId, message.authorId])
      expect(kept.owner).not.toBe(owner)
      expect(kept.names.some((each) => names.includes(each))).toBe(true)
      const said = kept.names.map((each) => [kept.channelId, kept.agentId, each].join(' '))
      const isTaken = this.#said.has(one) || said.some((each) => this.#saidAs.has(each))
      expect([one, isTaken || kept.text === '']).toEqual([one, true])
      this.#goingOn.delete(one)
    }
  }

  #checkGoingOn(): void {
    const [first, ...others] = this.#engines.map((engine) => engine.activeStreams())
    for (const other of others) expect(other).toEqual(first)
    const ids = first!.map(({ messageId: one }) => one)
    expect(ids).toEqual([...this.#goingOn.keys()].toSorted())
    const keys = first!.map(({ channelId: of, agentId, name: one }) => [of, agentId, one].join(' '))
    expect(new Set(keys).size).toBe(keys.length)
    for (const stream of first!) {
      const { names, ...kept } = this.#goingOn.get(stream.messageId)!
      expect(stream).toMatchObject(kept)
      expect(names).toContain(stream.name)
    }
  }

  /** A stream whose name or id somebody else has taken meanwhile ends as nothing of its own. */
  #isSuperseded(
    command: StreamCommand,
    { outcome }: Exclude<Applied, { error: unknown }>,
  ): boolean {
    if (command.type !== 'end-stream') return false
    if (this.#said.has(command.messageId)) return true
    return command.body.text !== '' && outcome.message?.id !== command.messageId
  }

  check(): void {
    for (const channel of NAMES.channels) {
      const [first, ...others] = this.#engines.map((engine) => entriesOf(engine, channel))
      for (const other of others) expect(other).toEqual(first)
    }
  }
}

/** What a stream that is posted by a command says. */
function expectedBody(command: Command, { text: checkpointed }: Kept): Partial<MessageBody> {
  if (command.type !== 'end-stream') {
    return { text: checkpointed, stream: { state: 'interrupted', error: expect.any(String) } }
  }
  const { state } = command
  return { text: command.body.text, ...(state !== 'complete' && { stream: { state } }) }
}

function isOfStreams(command: Command): command is StreamCommand {
  return command.type.endsWith('-stream')
}

export function describeStreamProperties(open: OpenEngine): void {
  it('keeps, ends and forgets streams as the plainest model of them does, for any commands', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: ofStreams },
      { weight: 3, arbitrary: commands },
      { weight: 2, arbitrary: fc.nat({ max: 6 }) },
    )
    const steps = fc.array(step, { minLength: 5, maxLength: 50, size: 'max' })
    const property = fc.property(steps, (each) => {
      const nowMs = 1_000
      const { engine, dispose } = open(() => nowMs)
      try {
        const run = new Run([engine, createMemoryEngine({ now: () => nowMs })])
        for (const one of each) {
          if (typeof one === 'number') run.repeat(one)
          else run.send(one)
        }
        run.check()
      } finally {
        dispose()
      }
    })
    fc.assert(property, { numRuns: 80 })
  })
}
