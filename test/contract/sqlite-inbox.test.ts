import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SweepingEngine } from '../../src/log/engine/store-engine.ts'
import { renewEpoch } from '../../src/log/sqlite/renew-epoch.ts'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import { newId } from '../../src/util/new-id.ts'
import { apply, channelIn, post } from './engine-support.ts'
import { databaseIn, temporaryDirectory } from './support/remote.ts'

const BOT = 'bot'
const ALL = { agentId: BOT, after: 0, limit: 100 } as const
const SECRET = 'a reason that quotes the message'

describe('the inboxes in a file', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let file: string
  let engine: SweepingEngine
  let channelId: string

  beforeEach(() => {
    directory = temporaryDirectory()
    file = databaseIn(directory.path)
    engine = openSqliteEngine({ file, durability: 'normal' })
    channelId = channelIn(engine, { participants: [{ entityId: BOT, isAgent: true }] })
  })
  afterEach(() => {
    engine.close()
    directory.remove()
  })

  const reopen = (between: () => void = () => undefined) => {
    engine.close()
    between()
    engine = openSqliteEngine({ file, durability: 'normal' })
  }
  const say = (where = channelId) => {
    const command = post(where, 'x')
    apply(engine, command)
    return command.message.id
  }
  const openInbox = () =>
    apply(engine, { type: 'open-inbox', id: newId(), agentId: BOT }).outcome.place
  const settle = (upTo: number, messageId?: string) => {
    const failures =
      messageId === undefined ? [] : [{ messageId, place: upTo, attempts: 1, reason: SECRET }]
    const command = { type: 'settle', id: newId(), agentId: BOT, upTo, failures } as const
    return { command, outcome: apply(engine, command).outcome }
  }

  it('are where they were when it is opened again, a restored one too, and know the last settle', () => {
    const ids = [say(), say(), say()]
    const { command } = settle(2, ids[1])
    apply(engine, { type: 'retry-failure', id: newId(), agentId: BOT, messageId: ids[1] ?? '' })
    const shown = [engine.inbox(ALL), engine.retries(ALL), engine.failures(BOT, { limit: 9 })]
    for (const between of [undefined, () => renewEpoch(file)]) {
      const { epoch } = engine
      reopen(between)
      expect(engine.epoch === epoch).toBe(between === undefined)
      expect(openInbox()).toBe(2)
      expect(apply(engine, command).outcome).toEqual({ place: 2, isDuplicate: true })
      expect([engine.inbox(ALL), engine.retries(ALL), engine.failures(BOT, { limit: 9 })]).toEqual(
        shown,
      )
    }
  })

  it('say who was passed over, to the next that opens it too, until it is said again', () => {
    openInbox()
    say()
    for (const isAway of [true, false]) {
      const upTo = isAway ? {} : { upTo: 0 }
      apply(engine, { type: 'pass-over', id: newId(), agentIds: [BOT], ...upTo })
      reopen()
      expect([...engine.awayAgents]).toEqual(isAway ? [BOT] : [])
      expect(engine.awaited()).toMatchObject([{ agents: isAway ? [] : [BOT] }])
    }
  })

  it('lead back to the log where a cursor is ahead of it, so that nothing that comes is passed over', () => {
    say()
    settle(1)
    reopen(() => {
      const database = new Database(file)
      database.exec('UPDATE agent_cursors SET place = 5000')
      database.close()
    })
    expect([openInbox(), openInbox()]).toEqual([1, 1])
    say()
    expect(engine.inbox({ ...ALL, after: 1 }).items).toMatchObject([{ place: 2 }])
    expect(settle(2).outcome.place).toBe(2)
  })

  it('keep no word of what was erased', () => {
    const other = channelIn(engine)
    const [deleted, cleared] = [say(), say(other)]
    settle(1, deleted)
    settle(2, cleared)
    reopen()
    expect(readFileSync(file, 'latin1')).toContain(SECRET)
    apply(engine, { type: 'delete', id: newId(), messageId: deleted })
    settle(1, deleted)
    apply(engine, { type: 'clear', id: newId(), channelId: other })
    while (engine.sweep()) expect(engine.failures(BOT, { limit: 9 })).toEqual([])
    const discarded = say()
    settle(engine.newestPlace(), discarded)
    const { outcome } = apply(engine, {
      type: 'discard-failure',
      id: newId(),
      agentId: BOT,
      messageId: discarded,
    })
    expect(outcome.place).toBe(engine.newestPlace())
    reopen()
    expect(readFileSync(file, 'latin1')).not.toContain(SECRET)
  })
})
