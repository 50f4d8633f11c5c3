import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { apply, channelIn, createChannel, entriesOf, post, refusal } from './engine-support.ts'

const creation = (id = newId()) =>
  ({
    type: 'create-server',
    id: newId(),
    server: { id, name: 'S', sourceType: 'test', metadata: { k: 'v' } },
  }) as const

export function describeServers({ engine, clock }: Bench): void {
  describe('servers', () => {
    it('has the default server from the beginning, and never without', () => {
      expect(engine().servers()).toMatchObject([
        { id: DEFAULT_SERVER_ID, name: 'Default Server', sourceType: 'eliza_default' },
      ])
      const command = { type: 'delete-server', id: newId(), serverId: DEFAULT_SERVER_ID } as const
      expect(refusal(engine(), command)).toBe('SERVER_PROTECTED')
    })

    it('creates one, idempotently', () => {
      const command = creation()
      const { outcome } = apply(engine(), command)
      const times = { createdAt: clock.nowMs, updatedAt: clock.nowMs }
      expect(outcome).toEqual({ server: { ...command.server, ...times } })
      expect(engine().server(command.server.id)).toEqual(outcome.server)
      expect(
        engine()
          .servers()
          .map(({ id }) => id),
      ).toEqual([DEFAULT_SERVER_ID, command.server.id])
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(apply(engine(), creation(command.server.id)).outcome).toEqual(outcome)
    })

    it('deletes a server with its channels, messages and agents', () => {
      const { server } = creation()
      apply(engine(), { type: 'create-server', id: newId(), server })
      const kept = channelIn(engine())
      const ids = [
        channelIn(engine(), { serverId: server.id }),
        channelIn(engine(), { serverId: server.id }),
      ]
      const message = post(ids[0]!, 'secret')
      apply(engine(), message)
      const agentId = 'bot'
      apply(engine(), { type: 'add-server-agent', id: newId(), serverId: server.id, agentId })
      const command = { type: 'delete-server', id: newId(), serverId: server.id } as const
      const { entries } = apply(engine(), command)
      expect(entries).toMatchObject([
        { kind: 'removed', channelId: ids[0], seq: 2 },
        { kind: 'removed', channelId: ids[1], seq: 1 },
      ])
      expect(entriesOf(engine(), ids[1]!)).toEqual([entries[1]])
      expect(engine().server(server.id)).toBeUndefined()
      expect(
        engine()
          .channels()
          .map(({ id }) => id),
      ).toEqual([kept])
      expect(engine().message(message.message.id)).toBeUndefined()
      expect(engine().agentServers(agentId)).toEqual([])
      expect(apply(engine(), command)).toEqual({ outcome: { isDuplicate: true }, entries: [] })
      expect(refusal(engine(), { ...command, id: newId() })).toBe('SERVER_NOT_FOUND')
      apply(engine(), { type: 'create-server', id: newId(), server })
      expect(engine().serverAgents(server.id)).toEqual([])
      expect(engine().channels(server.id)).toEqual([])
      expect(apply(engine(), command).outcome).toEqual({ isDuplicate: true })
      expect(engine().server(server.id)).toBeDefined()
    })

    it('refuses to delete one with more channels than go at once, and changes nothing', () => {
      const { server } = creation()
      apply(engine(), { type: 'create-server', id: newId(), server })
      const { maxChannelsDeleted } = ENGINE_LIMITS
      const drafts = Array.from({ length: maxChannelsDeleted + 1 }, () =>
        createChannel({ serverId: server.id }),
      )
      engine().apply(drafts)
      const command = { type: 'delete-server', id: newId(), serverId: server.id } as const
      expect(refusal(engine(), command)).toBe('SERVER_TOO_LARGE')
      expect(engine().channels(server.id)).toHaveLength(maxChannelsDeleted)
      const channelId = drafts[0]!.channel.id
      apply(engine(), { type: 'delete-channel', id: newId(), channelId })
      expect(apply(engine(), command).entries).toHaveLength(maxChannelsDeleted)
      expect(engine().channels(server.id)).toEqual([])
    })

    it('erases what many small channels left in few slices', () => {
      const { server } = creation()
      apply(engine(), { type: 'create-server', id: newId(), server })
      const ids = Array.from({ length: 20 }, () => channelIn(engine(), { serverId: server.id }))
      engine().apply(ids.map((id) => post(id, 'secret')))
      apply(engine(), { type: 'delete-server', id: newId(), serverId: server.id })
      expect(engine().sweep()).toBe(false)
    })

    it('adds and removes agents idempotently, in order of addition', () => {
      const { server } = creation()
      apply(engine(), { type: 'create-server', id: newId(), server })
      const change = (type: 'add-server-agent' | 'remove-server-agent', agentId: string) =>
        ({ type, id: newId(), serverId: server.id, agentId }) as const
      for (const agentId of ['z', 'a', 'z']) apply(engine(), change('add-server-agent', agentId))
      expect(engine().serverAgents(server.id)).toEqual(['z', 'a'])
      expect(engine().agentServers('a')).toEqual([server.id])
      apply(engine(), change('remove-server-agent', 'z'))
      apply(engine(), change('remove-server-agent', 'z'))
      expect(engine().serverAgents(server.id)).toEqual(['a'])
      const nowhere = { ...change('add-server-agent', 'a'), serverId: 'none' }
      expect(refusal(engine(), nowhere)).toBe('SERVER_NOT_FOUND')
    })
  })
}
