import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/protocol/errors.ts'
import type { Command, Outcome } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import type { GuardedCommand } from './engine-commands.ts'
import {
  apply,
  channelDraft,
  channelIn,
  createChannel,
  entriesOf,
  post,
  refusal,
  textsOf,
} from './engine-support.ts'

const human = (entityId: string) => ({ entityId, isAgent: false })
const changes = { text: 'changed' }

/** Where a command does something: a channel, and a message in it. */
interface Place {
  readonly channelId: string
  readonly messageId: string
}

/** One of every guarded command, new each time. */
function everyCommand({ channelId, messageId }: Place): readonly GuardedCommand[] {
  const id = newId
  const by = { authorId: 'ann' }
  return [
    post(channelId, 'posted', by),
    { ...post(channelId, 'created', by), create: channelDraft({ id: channelId }) },
    { ...post(channelId, 'expected', by), expectedServerId: 'elsewhere' },
    { type: 'edit', id: id(), messageId, changes },
    { type: 'edit', id: id(), messageId, channelId, authorId: 'else', changes },
    { type: 'delete', id: id(), messageId },
    { type: 'clear', id: id(), channelId },
    { type: 'update-channel', id: id(), channelId, visibility: 'public' },
    { type: 'update-channel', id: id(), channelId },
    { type: 'change-participants', id: id(), channelId, add: [human('ann')], remove: [] },
    { type: 'change-participants', id: id(), channelId, add: [], remove: ['ghost'] },
    { type: 'delete-channel', id: id(), channelId },
  ]
}

const hiddenCode = ({ type }: Command): ErrorCode =>
  type === 'edit' || type === 'delete' ? 'MESSAGE_NOT_FOUND' : 'CHANNEL_NOT_FOUND'

const guarded = <C extends GuardedCommand>(command: C, visibleTo = 'ann') => ({
  ...command,
  visibleTo,
})

export function describeGuards({ engine, clock }: Bench): void {
  const placeIn = (visibility: 'public' | 'private', ...entityIds: string[]): Place => {
    const channelId = channelIn(engine(), { visibility, participants: entityIds.map(human) })
    const said = post(channelId, 'said')
    apply(engine(), said)
    return { channelId, messageId: said.message.id }
  }
  const remove = (channelId: string) =>
    apply(engine(), { type: 'delete-channel', id: newId(), channelId })
  const exclude = (channelId: string) =>
    apply(engine(), {
      type: 'change-participants',
      id: newId(),
      channelId,
      add: [],
      remove: ['ann'],
    })

  describe('a guarded command', () => {
    it('is refused alike in a hidden channel, a deleted one and none, and does nothing', () => {
      const hidden = placeIn('private', 'bob')
      const deleted = placeIn('public', 'ann')
      remove(deleted.channelId)
      const nowhere = { channelId: 'nowhere', messageId: 'never' }
      for (const place of [hidden, deleted, nowhere]) {
        const before = [engine().channel(place.channelId), entriesOf(engine(), place.channelId)]
        clock.nowMs += 1
        for (const command of everyCommand(place)) {
          expect([command.type, refusal(engine(), guarded(command))]).toEqual([
            command.type,
            hiddenCode(command),
          ])
        }
        const after = [engine().channel(place.channelId), entriesOf(engine(), place.channelId)]
        expect(after).toEqual(before)
      }
    })

    it.each(['public', 'private'] as const)(
      'does in a %s channel that shows itself what it does without a guard',
      (visibility) => {
        const who = visibility === 'public' ? [] : ['ann']
        const count = everyCommand({ channelId: '', messageId: '' }).length
        for (let index = 0; index < count; index += 1) {
          const results = [undefined, 'ann'].map((visibleTo) => {
            const place = placeIn(visibility, ...who)
            const command = everyCommand(place)[index]!
            const given = visibleTo === undefined ? command : guarded(command)
            const [applied] = engine().apply([given])
            if ('error' in applied!) return applied.error.code
            const entries = applied!.entries.map(({ kind, seq }) => [kind, seq])
            const { channelId } = place
            return [
              entries,
              textsOf(engine(), channelId),
              engine().channel(channelId)?.participants,
            ]
          })
          expect(results[1]).toEqual(results[0])
        }
      },
    )

    it('looks at who takes part and not at who owns, speaks or is an agent of the server', () => {
      const channelId = channelIn(engine(), { visibility: 'private', ownerId: 'ann' })
      const agentId = 'ann'
      const serverId = channelDraft().serverId
      apply(engine(), { type: 'add-server-agent', id: newId(), serverId, agentId })
      const own = post(channelId, 'x', { authorId: 'ann' })
      expect(refusal(engine(), guarded(own))).toBe('CHANNEL_NOT_FOUND')
      expect(apply(engine(), own).outcome.seq).toBe(1)
    })

    it('sees what the commands before it in the batch did', () => {
      const { channelId } = placeIn('private', 'ann')
      const exit = {
        type: 'change-participants',
        id: newId(),
        channelId,
        add: [human('bob')],
        remove: ['ann'],
      } as const
      const applied = engine().apply([
        guarded(post(channelId, 'in')),
        guarded(post(channelId, 'too early'), 'bob'),
        guarded(exit),
        guarded(post(channelId, 'too late')),
        guarded(post(channelId, 'in'), 'bob'),
        { type: 'update-channel', id: newId(), channelId, visibility: 'public' },
        guarded(post(channelId, 'open', { authorId: 'ann' })),
      ])
      const fates = applied.map((one) => ('error' in one ? one.error.code : one.outcome.seq))
      const hidden = 'CHANNEL_NOT_FOUND'
      expect(fates).toEqual([2, hidden, 3, hidden, 4, 5, 6])
    })

    it('posts in the name of another only for who takes part', () => {
      const { channelId } = placeIn('public', 'ann')
      const ids = { authorId: 'cid', clientMessageId: 'k' }
      const forged = guarded(post(channelId, 'I am Cid', ids), 'bob')
      expect(refusal(engine(), forged)).toBe('ACCESS_DENIED')
      expect(apply(engine(), guarded(post(channelId, 'as Cid', ids))).outcome.seq).toBe(2)
      // Nor is it shown what was said under these ids.
      expect(refusal(engine(), forged)).toBe('ACCESS_DENIED')
      const own = post(channelId, 'I am Bob', { authorId: 'bob' })
      expect(apply(engine(), guarded(own, 'bob')).outcome.seq).toBe(3)
      exclude(channelId)
      expect(refusal(engine(), guarded(post(channelId, 'late')))).toBe('ACCESS_DENIED')
    })

    it('makes no channel, whatever it says of one', () => {
      const create = channelDraft({ participants: [human('ann')] })
      const command = guarded({ ...post(create.id, 'x', { authorId: 'ann' }), create })
      expect(refusal(engine(), command)).toBe('CHANNEL_NOT_FOUND')
      expect(engine().channel(create.id)).toBeUndefined()
      apply(engine(), createChannel(create))
      expect(apply(engine(), command).outcome).toMatchObject({ seq: 1 })
      expect(apply(engine(), command).outcome).not.toHaveProperty('isCreated')
    })

    it('erases what is erased already without an error, as long as the channel shows itself', () => {
      const { channelId, messageId } = placeIn('private', 'ann')
      const erasure = () => guarded({ type: 'delete', id: newId(), messageId, channelId } as const)
      expect(apply(engine(), erasure()).outcome.seq).toBe(2)
      expect(apply(engine(), erasure())).toEqual({ outcome: {}, entries: [] })
      exclude(channelId)
      expect(refusal(engine(), erasure())).toBe('MESSAGE_NOT_FOUND')
    })
  })

  describe('a repeated guarded command', () => {
    it('that shows a message is refused to who lost the channel meanwhile, but for one’s own very attempt', () => {
      const { channelId, messageId } = placeIn('private', 'ann')
      const said = guarded(post(channelId, 'mine', { authorId: 'ann', clientMessageId: 'k' }))
      const edit = guarded({ type: 'edit', id: newId(), messageId, changes } as const)
      const first = [said, edit].map((command) => apply(engine(), command).outcome)
      const again = (): readonly Outcome[] =>
        [said, edit].map((command) => apply(engine(), command).outcome)
      expect(again()).toEqual(
        [0, 1].map((index) => expect.objectContaining({ ...first[index], isDuplicate: true })),
      )
      exclude(channelId)
      const other = { ...post(channelId, 'mine'), message: { ...said.message, id: newId() } }
      expect(apply(engine(), said).outcome).toMatchObject({ seq: first[0]?.seq, isDuplicate: true })
      const asAnother = { ...said, visibleTo: 'bob' }
      expect(refusal(engine(), asAnother)).toBe('CHANNEL_NOT_FOUND')
      expect(refusal(engine(), guarded(other))).toBe('CHANNEL_NOT_FOUND')
      expect(refusal(engine(), edit)).toBe('MESSAGE_NOT_FOUND')
      remove(channelId)
      expect(refusal(engine(), said)).toBe('CHANNEL_NOT_FOUND')
      expect(refusal(engine(), edit)).toBe('MESSAGE_NOT_FOUND')
    })

    it('is answered as done where it was the command itself that hid the channel', () => {
      const isPrivate = { type: 'update-channel', visibility: 'private', participants: [] } as const
      const leaving = { type: 'change-participants', add: [], remove: ['ann'] } as const
      for (const one of [isPrivate, leaving, { type: 'delete-channel' } as const]) {
        const { channelId } = placeIn('private', 'ann')
        const command = guarded({ ...one, id: newId(), channelId })
        const { outcome } = apply(engine(), command)
        expect(outcome.seq).toBe(2)
        const repeated = apply(engine(), command)
        expect(repeated).toEqual({ outcome: { seq: 2, isDuplicate: true }, entries: [] })
        expect(refusal(engine(), { ...command, id: newId() })).toBe('CHANNEL_NOT_FOUND')
      }
    })
  })
}
