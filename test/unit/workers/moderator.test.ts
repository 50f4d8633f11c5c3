import { describe, expect, it } from 'vitest'
import moderator from '../../../workers/moderator.ts'
import { FakeChannel } from './support/channel.ts'

/** Hands what one says to the moderator. */
async function moderate(
  channel: FakeChannel,
  env: Readonly<Record<string, string>>,
  [senderId, text]: readonly [string, string],
): Promise<void> {
  const message = channel.say(senderId, text)
  await moderator.message(message, env, channel.context(message))
}

describe('Moderator', () => {
  it.each([{}, { MODERATOR_WORDS: '', MODERATOR_PER_MINUTE: '' }, { MODERATOR_WORDS: ' , ,' }])(
    'removes nothing with the settings %o',
    async (env) => {
      const channel = new FakeChannel('Moderator')
      for (let index = 0; index < 50; index += 1)
        await moderate(channel, env, ['ann', `m ${index},`])
      await moderate(channel, env, ['ann', '…'])
      expect(channel.removed).toEqual([])
      expect(channel.replies).toEqual([])
    },
  )

  it('removes what has one of the words, however it is written, and no word that only contains one', async () => {
    const channel = new FakeChannel('Moderator')
    const env = { MODERATOR_WORDS: 'darn, Zut alors' }
    for (const text of ['Darn!', 'oh-DARN-it', 'zut,  alors', 'ｄａｒｎ', 'darning', 'zut']) {
      await moderate(channel, env, ['ann', text])
    }
    expect(channel.removed).toHaveLength(4)
    const left = channel.said.filter(({ senderId }) => senderId === 'ann')
    expect(left.map(({ text }) => text)).toEqual(['darning', 'zut'])
  })

  it('says why once a minute to each, without the word, and again after that', async () => {
    const channel = new FakeChannel('Moderator')
    const env = { MODERATOR_WORDS: 'darn' }
    for (const who of ['ann', 'ann', 'ben', 'ann']) await moderate(channel, env, [who, 'darn'])
    expect(channel.replies).toEqual(
      ['ann', 'ben'].map((told) => ({
        text: `${told}, your message was removed: it has a word that is not used here.`,
        metadata: { told },
      })),
    )
    const later = channel.say('ann', 'darn', {
      createdAt: (channel.said.at(-1)?.createdAt ?? 0) + 61_000,
    })
    await moderator.message(later, env, channel.context(later))
    expect(channel.replies).toHaveLength(3)
    expect(channel.removed).toHaveLength(5)
  })

  it('says why once also when it is behind with a flood', async () => {
    const channel = new FakeChannel('Moderator')
    const flood = Array.from({ length: 9 }, () => channel.say('ann', 'darn'))
    for (const message of flood) {
      await moderator.message(message, { MODERATOR_WORDS: 'darn' }, channel.context(message))
    }
    expect([channel.removed.length, channel.replies.length]).toEqual([9, 1])
  })

  it('lets nobody say more in a minute than is set, and others are not counted', async () => {
    const channel = new FakeChannel('Moderator')
    const env = { MODERATOR_PER_MINUTE: '3' }
    for (let index = 0; index < 5; index += 1) {
      await moderate(channel, env, ['ann', `a${index}`])
      await moderate(channel, env, ['ben', `b${index}`])
    }
    const left = channel.said.filter(({ senderId }) => senderId !== channel.agent.id)
    expect(left.map(({ text }) => text)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
    expect(channel.replies).toHaveLength(2)
  })

  it('removes what agents say likewise, and says nothing to them', async () => {
    const channel = new FakeChannel('Moderator', 'GROUP', ['echo'])
    await moderate(channel, { MODERATOR_WORDS: 'darn' }, ['echo', 'darn'])
    expect(channel.removed).toHaveLength(1)
    expect(channel.replies).toEqual([])
  })
})
