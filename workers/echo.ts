import { setTimeout as pause } from 'node:timers/promises'
import { defineWorker } from 'parley'

/** Between two words; a long text is through within a minute all the same. */
const PAUSE_MS = 80
const LONGEST_MS = 60_000

/** An agent that says what it was told; what stands behind `stream ` it says word by word. */
export default defineWorker({
  agent: { name: 'Echo', bio: 'Says what it was told, word by word behind "stream".' },

  async message({ text, attachments }, _env, ctx) {
    const [, told] = /^stream\s+(\S.*)$/is.exec(text) ?? []
    if (told === undefined) {
      await ctx.reply({ text, attachments })
      return
    }
    const words = told.match(/\S+\s*/g) ?? []
    const pauseMs = Math.min(PAUSE_MS, LONGEST_MS / words.length)
    const stream = ctx.stream()
    for (const word of words) {
      await stream.write(word)
      // Throws when somebody cancels: what was said until then stands.
      await pause(pauseMs, undefined, { signal: ctx.signal })
    }
    await stream.end()
  },
})
