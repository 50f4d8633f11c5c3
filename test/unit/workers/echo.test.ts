import { describe, expect, it } from 'vitest'
import echo from '../../../workers/echo.ts'
import { FakeChannel } from './support/channel.ts'

describe('Echo', () => {
  it('says what it was told, attachments included, also where there is no text', async () => {
    const channel = new FakeChannel('Echo')
    const attachments = [{ url: 'https://example.com/a.png' }]
    for (const message of [
      channel.say('ann', 'hello there'),
      channel.say('ann', '', { attachments }),
      channel.say('ann', 'stream '),
      channel.say('ann', 'streaming is not asked for'),
    ]) {
      await echo.message(message, {}, channel.context(message))
    }
    expect(channel.replies).toEqual([
      { text: 'hello there', attachments: [] },
      { text: '', attachments },
      { text: 'stream ', attachments: [] },
      { text: 'streaming is not asked for', attachments: [] },
    ])
    expect(channel.streams).toEqual([])
  })

  it('says word by word what stands behind "stream", each with the space behind it', async () => {
    const channel = new FakeChannel('Echo')
    const message = channel.say('ann', 'Stream one  two\nthree')
    await echo.message(message, {}, channel.context(message))
    expect(channel.streams).toEqual([{ chunks: ['one  ', 'two\n', 'three'], isEnded: true }])
  })

  it('stops in the middle when its signal is aborted', async () => {
    const channel = new FakeChannel('Echo')
    channel.onWrite = (word) => {
      if (word === 'two ') channel.aborting.abort()
    }
    const message = channel.say('ann', 'stream one two three')
    const work = echo.message(message, {}, channel.context(message))
    await expect(work).rejects.toThrow('aborted')
    expect(channel.streams).toEqual([{ chunks: ['one ', 'two '], isEnded: false }])
  })
})
