import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ServerProcess } from './server.ts'

/** A server that tells nobody about its processes who has not proved who they are. */
export class GuardedServer implements AsyncDisposable {
  readonly url: string
  readonly process: ServerProcess
  readonly #dataDir: string

  constructor(process: ServerProcess, place: { readonly url: string; readonly dataDir: string }) {
    this.process = process
    this.url = place.url
    this.#dataDir = place.dataDir
  }

  /** Everything that it wrote, on both its streams. */
  get output(): string {
    const { lines, stderr } = this.process
    return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n${stderr}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.child.kill('SIGTERM')
    await this.process.exited
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

/** The real executable with a key or tokens, on temporary data; a graceful stop ends it. */
export async function startGuarded(
  environment: Readonly<Record<string, string>>,
): Promise<GuardedServer> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
  const server = new ServerProcess({
    PARLEY_GATEWAYS: '2',
    PARLEY_DRAIN_MS: '0',
    PARLEY_DATA_DIR: dataDir,
    ...environment,
  })
  const { url } = await server.logged('listening')
  return new GuardedServer(server, { url: String(url), dataDir })
}
