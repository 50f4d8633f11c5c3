import { expect } from 'vitest'
import type { AgentRuntime } from '../../../src/agent/runtime/agent-runtime.ts'
import type { RuntimeLimits } from '../../../src/agent/runtime/limits.ts'
import { WEBHOOK_LIMITS } from '../../../src/agent/webhook/limits.ts'
import type { WebhookLimits } from '../../../src/agent/webhook/limits.ts'
import type { Resolve } from '../../../src/agent/webhook/lookups.ts'
import { WebhookCaller } from '../../../src/agent/webhook/webhook-caller.ts'
import { createWebhookWorker } from '../../../src/agent/webhook/webhook-worker.ts'
import { HostList } from '../../../src/util/addresses.ts'
import { AgentWorld } from './agent-world.ts'
import { SECRET, startWebhookAgent } from './webhook-agent.ts'
import type { WebhookAgent } from './webhook-agent.ts'

interface Setting {
  readonly url?: string
  readonly allow?: readonly string[]
  readonly resolve?: Resolve
  readonly webhook?: Partial<WebhookLimits>
  readonly runtime?: Partial<RuntimeLimits>
}

interface Hosted {
  /** In which the agent takes part. */
  readonly channelId: string
  readonly runtime: AgentRuntime
}

/** A real log, a process that calls an agent, which has the id `hook`, and the agent, which is a real HTTP server. */
export class WebhookWorld implements AsyncDisposable {
  readonly world: AgentWorld
  readonly agent: WebhookAgent
  /** How often the agent was said to be gone. */
  goneCount = 0
  readonly #callers: WebhookCaller[] = []

  constructor(world: AgentWorld, agent: WebhookAgent) {
    this.world = world
    this.agent = agent
  }

  caller({ allow = ['127.0.0.1/32'], resolve, webhook }: Setting = {}): WebhookCaller {
    const limits = { ...WEBHOOK_LIMITS, ...webhook }
    const parts = { allow: new HostList(allow), limits, ...(resolve && { resolve }) }
    const caller = new WebhookCaller(parts)
    this.#callers.push(caller)
    return caller
  }

  async host(setting: Setting = {}): Promise<Hosted> {
    const { url = this.agent.url, webhook, runtime: limits } = setting
    const worker = createWebhookWorker({
      id: 'hook',
      definition: { name: 'Hook', url, secret: SECRET },
      isRegistered: false,
      caller: this.caller(setting),
      limits: { ...WEBHOOK_LIMITS, ...webhook },
      logger: this.world.worker('hook', {}).logger,
      onGone: async () => {
        this.goneCount += 1
      },
    })
    const runtime = await this.world.host([worker], {
      limits: { retryDelaysMs: [1, 1], ...limits },
    })
    return { runtime, channelId: await this.world.channel(['hook']) }
  }

  /** Why the agent gave up, once it did after so many attempts. */
  async givenUp(attempts = 3): Promise<string> {
    await this.world.until(async () => (await this.world.failures('hook')).length === 1)
    const [failure] = await this.world.failures('hook')
    expect(failure?.attempts).toBe(attempts)
    return failure?.reason ?? ''
  }

  /** Resolves when the agent is through with everything. */
  through(): Promise<void> {
    return this.world.until(() => this.world.isSettled('hook'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]()
    for (const caller of this.#callers) caller.close()
    await this.agent[Symbol.asyncDispose]()
  }
}

export async function startWebhookWorld(): Promise<WebhookWorld> {
  const world = new AgentWorld('memory')
  const agent = await startWebhookAgent(() => {
    world.notice()
  })
  return new WebhookWorld(world, agent)
}
