import { describe, expect, it } from 'vitest'
import { CHANNEL_TYPES } from '../../src/protocol/model.ts'
import type { Visibility } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import {
  apply,
  channelDraft,
  channelIn,
  createChannel,
  entriesOf,
  post,
  withoutParticipants,
} from './engine-support.ts'

const human = (entityId: string) => ({ entityId, isAgent: false })
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id)

export function describeVisibility({ engine }: Bench): void {
  const setVisibility = (channelId: string, visibility: Visibility) =>
    apply(engine(), { type: 'update-channel', id: newId(), channelId, visibility })
  const remove = (channelId: string) =>
    apply(engine(), { type: 'delete-channel', id: newId(), channelId })
  const closed = (...entityIds: readonly string[]) =>
    channelIn(engine(), { visibility: 'private', participants: entityIds.map(human) })

  describe('the visibility of a channel', () => {
    it('is private for conversations of named people and public for the rest, where nobody says', () => {
      const found = CHANNEL_TYPES.map((type) => {
        const id = channelIn(engine(), { type })
        return [type, engine().channel(id)?.visibility] as const
      })
      expect(found.filter(([, visibility]) => visibility === 'private')).toEqual(
        ['SELF', 'DM', 'VOICE_DM', 'API'].map((type) => [type, 'private']),
      )
      expect(found.filter(([, visibility]) => visibility === 'public')).toHaveLength(
        CHANNEL_TYPES.length - 4,
      )
    })

    it('is as said, however the channel is made, and shown wherever the channel is', () => {
      const said = { visibility: 'private', ownerId: 'ann' } as const
      const creation = createChannel({ ...said, participants: [human('ann')] })
      const { outcome } = apply(engine(), creation)
      const draft = channelDraft(said)
      const posted = apply(engine(), { ...post(draft.id, 'x'), create: draft })
      const [ann, bob] = [human('ann'), human('bob')]
      const dm = channelDraft({ type: 'DM', participants: [ann, bob], ownerId: 'ann' })
      const got = apply(engine(), { type: 'get-or-create-dm', id: newId(), channel: dm })
      for (const channel of [outcome, posted.outcome, got.outcome].map((one) => one.channel)) {
        expect(channel).toMatchObject(said)
        expect(engine().channel(channel?.id ?? '')).toEqual(channel)
      }
      expect(engine().channels()).toMatchObject([said, said, said])
      remove(creation.channel.id)
      expect(apply(engine(), creation).outcome).toEqual({ ...outcome, isDuplicate: true })
    })

    it('changes with an update, whose entry shows it, and stays with any other', () => {
      const id = channelIn(engine(), { ownerId: 'ann' })
      const { outcome, entries } = setVisibility(id, 'private')
      expect(outcome).toMatchObject({ seq: 1, channel: { visibility: 'private', ownerId: 'ann' } })
      const channel = withoutParticipants(engine().channel(id))
      expect(channel).toMatchObject({ visibility: 'private', ownerId: 'ann' })
      expect(entries).toMatchObject([{ kind: 'updated', added: [], removed: [], channel }])
      expect(entriesOf(engine(), id)).toEqual(entries)
      apply(engine(), { type: 'update-channel', id: newId(), channelId: id, name: 'N' })
      const add = [human('x')]
      apply(engine(), { type: 'change-participants', id: newId(), channelId: id, add, remove: [] })
      apply(engine(), { type: 'clear', id: newId(), channelId: id })
      engine().sweep()
      expect(engine().channel(id)).toMatchObject({ visibility: 'private', ownerId: 'ann' })
    })

    it('is that of the channel’s new life, as is its owner', () => {
      const id = channelIn(engine(), { visibility: 'private', ownerId: 'ann' })
      remove(id)
      apply(engine(), createChannel({ id }))
      expect(engine().channel(id)).toMatchObject({ visibility: 'public' })
      expect(engine().channel(id)).not.toHaveProperty('ownerId')
    })
  })

  describe('where an entity stands', () => {
    it('is undefined in what never was and in what is deleted', () => {
      const id = channelIn(engine(), { participants: [human('ann')], ownerId: 'ann' })
      remove(id)
      expect(engine().standing(id, 'ann')).toBeUndefined()
      expect(engine().standing('nowhere', 'ann')).toBeUndefined()
    })

    it('tells the channel’s type and visibility, and whether it takes part and made it', () => {
      const participants = [human('ann'), { entityId: 'bot', isAgent: true }]
      const id = channelIn(engine(), { type: 'DM', participants, ownerId: 'bob' })
      const other = channelIn(engine(), { ownerId: 'ann' })
      const dm = { type: 'DM', visibility: 'private' }
      const standings = ['ann', 'bot', 'bob', '', 'ANN'].map((name) => engine().standing(id, name))
      expect(standings).toEqual([
        { ...dm, isParticipant: true, isOwner: false },
        { ...dm, isParticipant: true, isOwner: false },
        { ...dm, isParticipant: false, isOwner: true },
        { ...dm, isParticipant: false, isOwner: false },
        { ...dm, isParticipant: false, isOwner: false },
      ])
      const group = { type: 'GROUP', visibility: 'public', isParticipant: false }
      expect(engine().standing(other, 'ann')).toEqual({ ...group, isOwner: true })
    })

    it('changes with whoever comes and goes, and with the channel', () => {
      const id = channelIn(engine())
      const change = (add: readonly string[], gone: readonly string[]) =>
        apply(engine(), {
          type: 'change-participants',
          id: newId(),
          channelId: id,
          add: add.map(human),
          remove: gone,
        })
      change(['ann'], [])
      setVisibility(id, 'private')
      const standing = { type: 'GROUP', visibility: 'private', isOwner: false }
      expect(engine().standing(id, 'ann')).toEqual({ ...standing, isParticipant: true })
      change(['bob'], ['ann'])
      expect(engine().standing(id, 'ann')).toEqual({ ...standing, isParticipant: false })
      expect(engine().standing(id, 'bob')).toEqual({ ...standing, isParticipant: true })
    })
  })

  describe('the channels that an entity may see', () => {
    it('are the public ones and its own, each once, in order of creation', () => {
      const server = { id: 's', name: 'S', sourceType: 'test' }
      apply(engine(), { type: 'create-server', id: newId(), server })
      const open = channelIn(engine())
      const annsAndBobs = closed('ann', 'bob')
      const there = channelIn(engine(), { serverId: 's', participants: [human('ann')] })
      const bobs = closed('bob')
      const openToAnn = channelIn(engine(), { participants: [human('ann')] })
      const hiddenThere = channelIn(engine(), { serverId: 's', visibility: 'private' })
      const owned = channelIn(engine(), { visibility: 'private', ownerId: 'ann' })
      const seen = (entityId: string, serverId?: string) =>
        idsOf(engine().channels(serverId, entityId))
      expect(seen('ann')).toEqual([open, annsAndBobs, there, openToAnn])
      expect(seen('bob')).toEqual([open, annsAndBobs, there, bobs, openToAnn])
      expect(seen('nobody')).toEqual([open, there, openToAnn])
      expect(seen('ann', 's')).toEqual([there])
      expect(seen('ann', 'none')).toEqual([])
      expect(idsOf(engine().channels())).toEqual(
        [open, annsAndBobs, there, bobs, openToAnn, hiddenThere, owned], // whoever looks without a name
      )
    })

    it('follow what is changed, deleted and made again', () => {
      const [a, b, c] = [closed('ann'), closed('ann'), channelIn(engine())]
      setVisibility(c, 'private')
      remove(a)
      expect(idsOf(engine().channels(undefined, 'ann'))).toEqual([b])
      apply(engine(), createChannel({ id: a }))
      setVisibility(b, 'public')
      expect(idsOf(engine().channels(undefined, 'bob'))).toEqual([b, a])
    })

    it('are cut to the newest that fit, as all are', () => {
      const metadata = { words: 'x'.repeat(3 * 1024 * 1024) }
      const ids = ['private', 'public', 'private', 'public', 'private'].map((visibility, index) =>
        channelIn(engine(), {
          metadata,
          visibility: visibility === 'public' ? 'public' : 'private',
          participants: [human(index === 4 ? 'bob' : 'ann')],
        }),
      )
      expect(idsOf(engine().channels(undefined, 'ann'))).toEqual([ids[2], ids[3]])
      expect(idsOf(engine().channels(undefined, 'bob'))).toEqual([ids[3], ids[4]])
    })
  })
}
