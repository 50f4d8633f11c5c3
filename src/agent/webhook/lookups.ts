import { lookup } from 'node:dns/promises'

export interface HostAddress {
  readonly address: string
  readonly family: number
}

export type Resolve = (hostname: string) => Promise<readonly HostAddress[]>

/** As every other program of this machine resolves names, `/etc/hosts` included. */
const resolveAsSystem: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true })

/** Looks names up, so many at a time; who asks for a name that is being looked up gets the same answer. */
export class Lookups {
  readonly #maxAtATime: number
  readonly #resolve: Resolve
  readonly #underWay = new Map<string, Promise<readonly HostAddress[]>>()
  readonly #waiting: (() => void)[] = []
  #count = 0

  constructor(maxAtATime: number, resolve: Resolve = resolveAsSystem) {
    this.#maxAtATime = maxAtATime
    this.#resolve = resolve
  }

  resolve(hostname: string): Promise<readonly HostAddress[]> {
    const known = this.#underWay.get(hostname)
    if (known !== undefined) return known
    const answer = this.#inTurn(hostname).finally(() => {
      this.#underWay.delete(hostname)
    })
    this.#underWay.set(hostname, answer)
    return answer
  }

  async #inTurn(hostname: string): Promise<readonly HostAddress[]> {
    while (this.#count >= this.#maxAtATime) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    this.#count += 1
    try {
      return await this.#resolve(hostname)
    } finally {
      this.#count -= 1
      this.#waiting.shift()?.()
    }
  }
}
