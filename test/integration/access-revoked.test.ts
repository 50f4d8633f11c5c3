import { expect, it } from 'vitest'
import type { ChannelLog, Command } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import { as, ask, bearer, requestTo, servedRoutes, setScene } from './support/access-world.ts'
import { startRest } from './support/rest-server.ts'
import { SECRET } from './support/tokens.ts'

/** The log with one of its methods replaced. */
function replacing<K extends keyof ChannelLog>(
  log: ChannelLog,
  name: K,
  method: ChannelLog[K],
): ChannelLog {
  return new Proxy(log, {
    get: (target, key) => {
      if (key === name) return method
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A log in which the member is taken out of the channel just before a command of that type is applied. */
function removingBefore(type: Command['type'], log: ChannelLog): ChannelLog {
  const append = async (command: Command) => {
    if (command.type === type && 'visibleTo' in command && command.visibleTo === 'member') {
      const channelId = 'channelId' in command ? command.channelId : undefined
      const where = command.type === 'post' ? command.message.channelId : channelId
      const message = 'messageId' in command ? await log.message(command.messageId) : undefined
      await log.append({
        type: 'change-participants',
        id: newId(),
        channelId: where ?? message?.channelId ?? '',
        add: [],
        remove: ['member'],
      })
    }
    return log.append(command)
  }
  return replacing(log, 'append', append)
}

/** A log in which the member is taken out of a channel just after it was asked whether it is in it. */
function removingBehindCheck(log: ChannelLog): ChannelLog {
  return replacing(log, 'standing', async (channelId, entityId) => {
    const standing = await log.standing(channelId, entityId)
    if (entityId === 'member' && standing?.isParticipant === true) {
      const add = [{ entityId: 'newcomer', isAgent: false }]
      const change = { channelId, add, remove: ['member'] }
      await log.append({ type: 'change-participants', id: newId(), ...change })
    }
    return standing
  })
}

const LATE: readonly {
  readonly type: Command['type']
  readonly method: string
  readonly path: string
}[] = [
  { type: 'post', method: 'POST', path: '/channels/{channelId}/messages' },
  { type: 'edit', method: 'PATCH', path: '/messages/{messageId}' },
  { type: 'edit', method: 'PATCH', path: '/channels/{channelId}/messages/{messageId}' },
  { type: 'delete', method: 'DELETE', path: '/messages/{messageId}' },
  { type: 'delete', method: 'DELETE', path: '/channels/{channelId}/messages/{messageId}' },
]

it.each(LATE)('a right that is taken away meanwhile is not used: $method $path', async (late) => {
  const { type, method, path } = late
  await using server = await startRest({
    settings: { jwtSecret: SECRET },
    wrapLog: (log) => removingBefore(type, log),
  })
  const { channelId, messageId } = await setScene(server, 'private')
  const member = await as(server, 'member')
  const url = path.replace('{channelId}', channelId).replace('{messageId}', messageId)
  const body = method === 'DELETE' ? undefined : { content: 'late' }
  expect((await member(method, url, body)).status).toBe(404)
  const { messages } = await server.log.messages({ channelId, limit: 10 })
  expect(messages.map(({ body: { text } }) => text)).toEqual(['a secret', 'a secret'])
})

it('a read that races with a removal shows nothing of what came after it', async () => {
  await using server = await startRest({
    settings: { jwtSecret: SECRET },
    wrapLog: removingBehindCheck,
  })
  const routes = servedRoutes(server).filter((route) => /^GET .*{(channel|message)Id}/.test(route))
  expect(routes.length).toBeGreaterThan(5)
  for (const route of routes) {
    const scene = await setScene(server, 'private')
    const request = requestTo(route, scene)
    const { status } = await ask(server, request, await bearer('member'))
    expect(status, route).toBe(404)
    // Who stays is shown all of it.
    const stays = await ask(server, request, await bearer('helper', { role: 'agent' }))
    expect(stays.status, route).toBe(200)
  }
})
