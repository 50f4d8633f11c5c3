import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogEngine } from '../../src/log/engine.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { Participant } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { OpenEngine } from './engine.contract.ts'
import {
  apply,
  channelDraft,
  channelIn,
  createChannel,
  openInbox,
  post,
  refusal,
} from './engine-support.ts'

const people = (...entityIds: readonly string[]): readonly Participant[] =>
  entityIds.map((entityId) => ({ entityId, isAgent: false }))

const change = (channelId: string, add: readonly string[], remove: readonly string[] = []) =>
  ({ type: 'change-participants', id: newId(), channelId, add: people(...add), remove }) as const

const replace = (channelId: string, participants: readonly string[]) =>
  ({ type: 'update-channel', id: newId(), channelId, participants }) as const

/** As the services hold users and agents: this is one of the two. */
const held = <C extends object>(command: C) => ({ ...command, asParty: 'a' }) as const

export function describeBound(open: OpenEngine): void {
  describe('at most three participants of a channel', () => {
    let engine: LogEngine
    let dispose: () => void
    beforeEach(() => {
      const opened = open(Date.now, 3)
      engine = opened.engine
      dispose = opened.dispose
    })
    afterEach(() => dispose())

    const namesIn = (channelId: string) =>
      engine.channel(channelId)?.participants.map(({ entityId }) => entityId)

    it('are let into a new channel, whoever makes it, and a fourth makes none', () => {
      const full = channelIn(engine, { participants: people('a', 'b', 'c', 'a') })
      expect(namesIn(full)).toEqual(['a', 'b', 'c'])
      const create = channelDraft({ participants: people('a', 'b', 'c', 'd') })
      expect(refusal(engine, createChannel(create))).toBe('TOO_MANY_PARTICIPANTS')
      expect(refusal(engine, { ...post(create.id, 'x'), create })).toBe('TOO_MANY_PARTICIPANTS')
      expect(engine.channel(create.id)).toBeUndefined()
      expect(engine.head(create.id)).toBe(0)
    })

    it('are let in by a change; one that would leave more changes nothing', () => {
      const id = channelIn(engine, { participants: people('a') })
      apply(engine, change(id, ['b', 'c', 'a', 'b']))
      for (const refused of [change(id, ['d']), change(id, ['d', 'e'], ['a'])]) {
        expect(refusal(engine, refused)).toBe('TOO_MANY_PARTICIPANTS')
      }
      expect(refusal(engine, change(id, ['d'], ['ghost']))).toBe('PARTICIPANT_NOT_FOUND')
      expect([namesIn(id), engine.head(id)]).toEqual([['a', 'b', 'c'], 1])
      apply(engine, change(id, ['d'], ['a']))
      apply(engine, change(id, ['b', 'c']))
      expect([namesIn(id), engine.head(id)]).toEqual([['b', 'c', 'd'], 2])
    })

    it.each(['SELF', 'DM', 'VOICE_DM'] as const)(
      'are settled in a %s where a guard says so: its entity may go, and nobody else comes or goes',
      (type) => {
        const id = channelIn(engine, { type, participants: people('a', 'b') })
        const exchanges = [
          change(id, ['c']),
          change(id, ['b', 'c']),
          change(id, ['c'], ['b']),
          change(id, ['c'], ['a']),
          change(id, [], ['b']),
          replace(id, ['a']),
          replace(id, ['a', 'c']),
          replace(id, ['a', 'b', 'c']),
        ]
        for (const exchange of exchanges) {
          expect(refusal(engine, held(exchange))).toBe('ACCESS_DENIED')
        }
        expect([namesIn(id), engine.head(id)]).toEqual([['a', 'b'], 0])
        apply(engine, held(change(id, ['a', 'b'])))
        apply(engine, held({ ...replace(id, ['b', 'a']), name: 'N' }))
        expect(namesIn(id)).toEqual(['a', 'b'])
        apply(engine, held(change(id, [], ['a'])))
        expect(refusal(engine, held(change(id, ['c'])))).toBe('ACCESS_DENIED')
        expect(refusal(engine, held(change(id, ['a'])))).toBe('ACCESS_DENIED')
        apply(engine, change(id, ['c']))
        expect(namesIn(id)).toEqual(['b', 'c'])
      },
    )

    it('come and go in other channels under the same guard', () => {
      const id = channelIn(engine, { participants: people('a', 'b') })
      apply(engine, held(change(id, ['c'], ['b'])))
      apply(engine, held(replace(id, ['d'])))
      expect(namesIn(id)).toEqual(['d'])
    })

    it('are let in by an update; one that names more changes nothing', () => {
      const id = channelIn(engine, { participants: people('a') })
      const renaming = { ...replace(id, ['a', 'b', 'c', 'd']), name: 'N' }
      expect(refusal(engine, renaming)).toBe('TOO_MANY_PARTICIPANTS')
      expect([engine.channel(id)?.name, namesIn(id), engine.head(id)]).toEqual([
        'A channel',
        ['a'],
        0,
      ])
      apply(engine, replace(id, ['x', 'y', 'z', 'x']))
      expect(namesIn(id)).toEqual(['x', 'y', 'z'])
      expect(refusal(engine, change(id, ['a']))).toBe('TOO_MANY_PARTICIPANTS')
      apply(engine, change(id, ['a'], ['x']))
    })

    it('may become agents where there is no room for another', () => {
      openInbox(engine, 'b')
      const id = channelIn(engine, { participants: people('a', 'b', 'c') })
      const add = [{ entityId: 'b', isAgent: true }]
      apply(engine, { type: 'change-participants', id: newId(), channelId: id, add, remove: [] })
      expect(apply(engine, post(id, 'x')).outcome.hasAgents).toBe(true)
      expect(refusal(engine, change(id, ['d']))).toBe('TOO_MANY_PARTICIPANTS')
      apply(engine, change(id, ['d'], ['a']))
    })

    it('are counted anew when the channel is deleted and made again', () => {
      const id = channelIn(engine, { participants: people('a', 'b', 'c') })
      apply(engine, { type: 'delete-channel', id: newId(), channelId: id })
      apply(engine, createChannel({ id, participants: people('x') }))
      apply(engine, change(id, ['y', 'z']))
      expect(refusal(engine, change(id, ['a']))).toBe('TOO_MANY_PARTICIPANTS')
    })
  })

  it('refuses a DM where two are too many', () => {
    const { engine, dispose } = open(Date.now, 1)
    const channel = channelDraft({ type: 'DM', participants: people('a', 'b') })
    const command = { type: 'get-or-create-dm', id: newId(), channel } as const
    expect(refusal(engine, command)).toBe('TOO_MANY_PARTICIPANTS')
    expect(engine.channels()).toEqual([])
    dispose()
  })

  it('lets 10,000 take part where nobody says how many may', () => {
    const { engine, dispose } = open(Date.now)
    const names = Array.from({ length: ENGINE_LIMITS.maxParticipants }, (_, index) => `e${index}`)
    const id = channelIn(engine, { participants: people(...names) })
    expect(refusal(engine, change(id, ['one more']))).toBe('TOO_MANY_PARTICIPANTS')
    expect(apply(engine, change(id, ['one more'], ['e0'])).outcome.seq).toBe(1)
    dispose()
  })
}
