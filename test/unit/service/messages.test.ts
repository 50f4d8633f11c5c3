import { describe, expect, it } from 'vitest'
import type { Command, Outcome } from '../../../src/log/log.ts'
import { ChannelError } from '../../../src/protocol/errors.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { MessageService } from '../../../src/service/messages.ts'
import type { PostInput } from '../../../src/service/messages.ts'
import { Sizes } from '../../../src/service/sizes.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'

interface Setup {
  readonly answer?: (command: Command) => Promise<Outcome>
}

/** The service over a log that only records what it is asked. */
function setUp({ answer = async () => ({}) }: Setup = {}) {
  const commands: Command[] = []
  const lines: { msg: string; [field: string]: unknown }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const service = new MessageService(
    {
      append: (command) => {
        commands.push(command)
        return answer(command)
      },
      publish: () => undefined,
      message: async () => undefined,
      isAwaited: async () => true,
      messages: () => Promise.reject(new Error('not to be asked')),
    },
    createLogger({ level: 'info', role: 'gateway', destination }),
    new Sizes(LIMITS),
  )
  return { service, commands, lines }
}

const post: PostInput = {
  id: 'm1',
  channelId: 'room',
  authorId: 'alice',
  text: 'hi',
  source: 'test',
}
const created: PostInput = { ...post, autoCreate: { createdBy: 'socketio_auto_creation' } }

describe('posting', () => {
  it('appends before it returns, so that the order of calls is the order of the channel', () => {
    const { service, commands } = setUp()
    void service.post(created)
    void service.post({ ...post, id: 'm2' })
    const ids = commands.map((command) => command.type === 'post' && command.message.id)
    expect(ids).toEqual(['m1', 'm2'])
  })

  it('leaves out what is undefined', () => {
    const { service, commands } = setUp()
    void service.post({ ...post, senderName: undefined, metadata: undefined })
    expect(commands[0]).toMatchObject({ type: 'post' })
    expect(JSON.stringify(commands[0])).toBe(JSON.stringify(structuredClone(commands[0])))
    const [command] = commands
    if (command?.type !== 'post') throw new Error('no post')
    expect(Object.keys(command.message.body)).toEqual(['text', 'source'])
    expect('create' in command).toBe(false)
  })

  it('replaces halves of surrogate pairs, which no UTF-8 can carry', () => {
    const { service, commands } = setUp()
    void service.post({ ...post, text: 'a\uD800b 😀' })
    expect(commands[0]).toMatchObject({ message: { body: { text: 'a\uFFFDb 😀' } } })
  })

  it('names the server that does not exist', async () => {
    const { service } = setUp({
      answer: () => Promise.reject(new ChannelError('SERVER_NOT_FOUND')),
    })
    await expect(service.post({ ...created, serverId: 'nowhere' })).rejects.toMatchObject({
      code: 'SERVER_NOT_FOUND',
      message: 'Server nowhere does not exist',
    })
  })

  it('logs a channel that it created, and none that was there', async () => {
    const first = setUp({ answer: async () => ({ isCreated: true }) })
    await first.service.post(created)
    expect(first.lines).toMatchObject([
      { level: 30, msg: 'channel created', channelId: 'room', type: 'GROUP' },
    ])
    const second = setUp()
    await second.service.post(created)
    expect(second.lines).toEqual([])
  })

  it('appends nothing but the message for a DM that it creates', async () => {
    const { service, commands } = setUp({ answer: async () => ({ isCreated: true }) })
    const autoCreate = { createdBy: 'socketio_auto_creation', targetUserId: 'helper' } as const
    await service.post({ ...created, metadata: { isDm: true }, autoCreate })
    expect(commands).toHaveLength(1)
    const participants = ['alice', 'helper'].map((entityId) => ({ entityId, isAgent: false }))
    expect(commands[0]).toMatchObject({ type: 'post', create: { type: 'DM', participants } })
  })
})
