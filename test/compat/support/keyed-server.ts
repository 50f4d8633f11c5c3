import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ServerProcess } from '../../cluster/support/server.ts'

/** The real executable with a key set, on temporary data; a graceful stop ends it. */
export class KeyedServer implements AsyncDisposable {
  readonly url: string
  readonly #process: ServerProcess
  readonly #dataDir: string

  constructor(process: ServerProcess, place: { readonly url: string; readonly dataDir: string }) {
    this.url = place.url
    this.#process = process
    this.#dataDir = place.dataDir
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.child.kill('SIGTERM')
    await this.#process.exited
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

export async function startKeyedServer(apiKey: string): Promise<KeyedServer> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
  const server = new ServerProcess({
    PARLEY_GATEWAYS: '2',
    PARLEY_DRAIN_MS: '0',
    PARLEY_DATA_DIR: dataDir,
    PARLEY_API_KEY: apiKey,
  })
  const { url } = await server.logged('listening')
  return new KeyedServer(server, { url: String(url), dataDir })
}
