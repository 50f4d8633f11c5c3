import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const GUIDE = fileURLToPath(new URL('../../../wrangler-free-deploy.md', import.meta.url))

const NGINX = 'nginx'
/** Debian installs it where only root looks. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`

/** Whether nginx is installed; tests that need it say so when they skip. */
export function hasNginx(): boolean {
  return spawnSync(NGINX, ['-v'], { env: { ...process.env, PATH } }).status === 0
}

export interface NginxOptions {
  /** Parley's own port. */
  readonly port: number
  /** Whether answers are buffered; the guide's block says no. */
  readonly buffersAnswers?: boolean
  /** Whether requests are read whole before they are passed on, as is nginx's default. */
  readonly buffersRequests?: boolean
}

/** The configuration that the deployment guide tells its reader to save, as it stands there. */
async function guideBlock(): Promise<string> {
  const guide = await readFile(GUIDE, 'utf8')
  const blocks = [...guide.matchAll(/^```nginx\n(.*?)^```$/gms)].map(([, text]) => text ?? '')
  const block = blocks.find((text) => text.includes('proxy_pass'))
  if (block === undefined) throw new Error('the deployment guide has no nginx block')
  return block
}

function onOff(isOn: boolean): string {
  return isOn ? 'on' : 'off'
}

/**
 * What of the block depends on the machine, changed for this one: Parley's port, nginx's own, and no
 * certificates. Everything else is as the guide has it.
 */
function onThisMachine(block: string, listen: string, options: NginxOptions): string {
  const { port, buffersAnswers = false, buffersRequests = true } = options
  const isListening = /^\s*(?:listen|ssl_\w+|include \S*letsencrypt\S*) ?.*;.*$/gm
  const adapted = block
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)
    .replaceAll(isListening, '')
    .replaceAll(/^\s*server_name .*$/gm, `listen ${listen};`)
    .replaceAll(/proxy_buffering \w+;/g, '')
    .replaceAll(/proxy_request_buffering \w+;/g, '')
  return `proxy_buffering ${onOff(buffersAnswers)};\nproxy_request_buffering ${onOff(buffersRequests)};\n${adapted}`
}

function surroundings(directory: string, http: string): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${path.join(directory, name)};`,
  )
  return `${user}
daemon off;
worker_processes 2;
pid ${path.join(directory, 'nginx.pid')};
error_log stderr warn;
events { worker_connections 2048; }
http {
access_log off;
${temporary.join('\n')}
${http}
}
`
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port is free')
  return address.port
}

/** nginx in front of a server, configured as the deployment guide says. */
export class Nginx implements AsyncDisposable {
  readonly url: string
  readonly #process: ChildProcess
  readonly #directory: string
  /** What it complained of. */
  errors = ''

  constructor(directory: string, port: number) {
    this.url = `http://127.0.0.1:${port}`
    this.#directory = directory
    const config = path.join(directory, 'nginx.conf')
    this.#process = spawn(NGINX, ['-p', directory, '-c', config, '-e', 'stderr'], {
      env: { ...process.env, PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
  }

  /** Resolves when it answers. */
  async open(): Promise<this> {
    await eventually(async () => (await fetch(`${this.url}/healthz`)).ok, {
      what: 'an answer through nginx',
      isOver: () => this.#process.exitCode !== null,
      explain: () => this.errors,
    })
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await ended
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Starts nginx as a plain process in front of a server. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const directory = await mkdtemp(path.join(tmpdir(), 'parley-nginx-'))
  const port = await freePort()
  const http = onThisMachine(await guideBlock(), `127.0.0.1:${port}`, options)
  await writeFile(path.join(directory, 'nginx.conf'), surroundings(directory, http))
  return new Nginx(directory, port).open()
}
