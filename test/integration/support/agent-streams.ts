import { expect } from 'vitest'
import type { MessageContext } from '../../../src/agent/message-worker.ts'
import type { RuntimeLimits } from '../../../src/agent/runtime/limits.ts'
import type { WorkerMessage } from '../../../src/agent/worker.ts'
import type { AgentWorld } from './agent-world.ts'

export type Handler = (
  message: WorkerMessage,
  env: unknown,
  ctx: MessageContext,
) => void | Promise<void>

/** An agent with this handler, in a channel of its own. */
export async function setUp(
  world: AgentWorld,
  message: Handler,
  limits: Partial<RuntimeLimits> = {},
) {
  const runtime = await world.host([world.worker('Agent', { message })], {
    limits: { retryDelaysMs: [1, 1], graceMs: 20, ...limits },
  })
  return { runtime, channelId: await world.channel(['Agent']) }
}

/** Resolves when the handler is told to stop. */
export function told({ signal }: MessageContext): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
}

/** What those in a channel saw of streams while they were written, by message; each without a gap. */
export function shown(world: AgentWorld): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const frame of world.frames) {
    if (frame.kind !== 'chunk') continue
    const before = texts.get(frame.messageId) ?? ''
    expect(frame.offset).toBe(before.length)
    texts.set(frame.messageId, before + frame.chunk)
  }
  return texts
}

/** What the agent said, as `text`, or `text (state: error)` where it did not come to its end. */
export async function said(world: AgentWorld, channelId: string): Promise<readonly string[]> {
  const messages = await world.messages(channelId)
  return messages
    .filter(({ authorId }) => authorId === 'Agent')
    .map(({ body: { text, stream } }) =>
      stream === undefined ? text : `${text} (${stream.state}: ${stream.error ?? 'no error'})`,
    )
}

export function saidSomething(world: AgentWorld, channelId: string, count = 1): Promise<void> {
  return world.until(async () => (await said(world, channelId)).length === count)
}
