import type { AgentHost } from '../messages.ts'

/** The agent hosts that take requests, as the primary last said. */
export class AgentHosts {
  #hosts: readonly AgentHost[] = []

  set(hosts: readonly AgentHost[]): void {
    this.#hosts = hosts
  }

  /** Any that is not among `tried`; each of them has every worker. */
  pick(tried: ReadonlySet<string>): AgentHost | undefined {
    const others = this.#hosts.filter(({ id }) => !tried.has(id))
    return others[Math.floor(Math.random() * others.length)]
  }
}
