import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'
import { createAgentChannel, endStream, openStream } from './support/socket-server.ts'

const API = '/api/messaging/channels'

async function post({ log }: RestServer, channelId: string): Promise<string> {
  const id = newId()
  const message = { id, channelId, authorId: 'a user', body: { text: 'hi', source: 'test' } }
  await log.append({ type: 'post', id, message })
  return id
}

const cancel = (server: RestServer, channelId: string, messageId: string) =>
  server.call('POST', `${API}/${channelId}/messages/${messageId}/cancel`)

describe('POST …/messages/{messageId}/cancel', () => {
  it('asks for the end of a stream that goes on, as often as one likes', async () => {
    await using server = await startRest()
    const channelId = await createAgentChannel(server.log)
    const messageId = newId()
    await openStream(server.log, channelId, messageId)
    for (let times = 0; times < 2; times += 1) {
      expect(await cancel(server, channelId, messageId)).toMatchObject({
        status: 200,
        body: { success: true, data: { messageId, channelId, state: 'streaming' } },
      })
    }
    const begun = await openStream(server.log, channelId, messageId)
    expect(begun.stream).toEqual({ messageId, state: 'streaming', isCancelled: true })
  })

  it.each(['complete', 'cancelled', 'interrupted', 'failed'] as const)(
    'leaves a stream as it is that ended as %s, which its rows say too',
    async (state) => {
      await using server = await startRest()
      const channelId = await createAgentChannel(server.log)
      const messageId = newId()
      await openStream(server.log, channelId, messageId)
      await endStream(server.log, messageId, { text: 'so far', state })
      const { status, body } = await cancel(server, channelId, messageId)
      expect({ status, state: body.data.state }).toEqual({ status: 200, state })
      const { body: row } = await server.call('GET', `${API}/${channelId}/messages/${messageId}`)
      const { body: list } = await server.call('GET', `${API}/${channelId}/messages`)
      const shown = state === 'complete' ? undefined : state
      expect(row.data).toMatchObject({ content: 'so far' })
      expect([row.data.streamState, list.data.messages[0].streamState]).toEqual([shown, shown])
    },
  )

  it('answers for a message that was no stream and that no agent is on', async () => {
    await using server = await startRest()
    const channelId = await createAgentChannel(server.log)
    const { status, body } = await cancel(server, channelId, await post(server, channelId))
    expect({ status, state: body.data.state }).toEqual({ status: 200, state: 'complete' })
  })

  it('refuses what is not there', async () => {
    await using server = await startRest()
    const [channelId, other] = [
      await createAgentChannel(server.log),
      await createAgentChannel(server.log),
    ]
    const elsewhere = newId()
    await openStream(server.log, other, elsewhere)
    const answers = [
      await cancel(server, channelId, newId()),
      await cancel(server, channelId, elsewhere),
      await cancel(server, newId(), elsewhere),
      await cancel(server, channelId, 'no id!'),
    ]
    expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual([
      '404 STREAM_NOT_FOUND',
      '404 STREAM_NOT_FOUND',
      '404 CHANNEL_NOT_FOUND',
      '400 INVALID_PAYLOAD',
    ])
    const state = (await cancel(server, other, elsewhere)).body.data.state
    expect(state).toBe('streaming')
  })
})
