import { setTimeout as sleep } from 'node:timers/promises'
import type { MessageContext, WorkerModule } from 'parley'
import { mannerOf } from './manners.ts'
import type { AgentName, Manner } from './manners.ts'

async function tell({ parts, pauseMs, fault }: Manner, ctx: MessageContext): Promise<void> {
  const stream = ctx.stream()
  for (const [index, part] of parts.entries()) {
    if (fault === 'breaks' && index > parts.length / 2) throw new Error('as it was to be')
    await stream.write(part)
    await sleep(pauseMs)
  }
  await stream.end()
}

/** An agent that does about each message what its manners say. */
export function createWorker(name: AgentName): WorkerModule {
  /** Of this process. */
  const met = new Set<string>()
  return {
    agent: { name },
    async message({ id, text }, _env, ctx) {
      const manner = mannerOf(name, text)
      const { says, parts, fault } = manner
      const isFirst = !met.has(id)
      met.add(id)
      if (isFirst && fault === 'hangs-once') await new Promise(() => undefined)
      if (fault === 'throws' || (isFirst && fault === 'throws-once')) {
        throw new Error('as it was to be')
      }
      if (says === 'stream') await tell(manner, ctx)
      if (says === 'reply') await ctx.reply(parts.join(''))
    },
  }
}
