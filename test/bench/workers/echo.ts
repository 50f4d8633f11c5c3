import { defineWorker } from 'parley'
import type { WorkerModule } from 'parley'

/** Says what it was told, with the time that is in it. */
export function createWorker(name: string): WorkerModule {
  return defineWorker({
    agent: { name },
    async message(message, _env, ctx) {
      await ctx.reply(message.text)
    },
  })
}
