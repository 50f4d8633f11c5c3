import { defineWorker } from 'parley'

/** An agent that says what it was told: `Echo`, with the id that its name gives it. */
export default defineWorker({
  agent: { name: 'Echo', bio: 'Says what it was told.' },

  async message(message, _env, ctx) {
    await ctx.reply(message.text)
  },
})
