import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ENTRY, ServerProcess } from '../cluster/support/server.ts'
import { PROJECT, readPage, runnableBlocks } from './support/page.ts'

const guide = readPage('wrangler-free-deploy.md')

const COMMAND_TIMEOUT_MS = 30_000

/** A machine that the guide has been followed on, up to `npm ci`. */
class Machine implements AsyncDisposable {
  readonly root: string
  url = ''

  constructor(root: string) {
    this.root = root
  }

  get app(): string {
    return path.join(this.root, 'app')
  }

  /** Runs a block as it stands, but for the places; pm2 is only told what it would be told. */
  async run(block: string): Promise<string> {
    const here = block
      .replaceAll('/srv/parley', this.root)
      .replaceAll(/https?:\/\/(?:127\.0\.0\.1:3000|chat\.example\.com)/g, this.url)
    const script = `set -e -o pipefail\npm2() { echo "pm2 $*"; }\n${here}`
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      cwd: this.app,
      timeout: COMMAND_TIMEOUT_MS,
    })
    return stdout
  }

  async settings(): Promise<Record<string, string>> {
    return parseEnv(await readFile(path.join(this.app, '.env'), 'utf8')) as Record<string, string>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }
}

async function openMachine(): Promise<Machine> {
  const machine = new Machine(await mkdtemp(path.join(tmpdir(), 'parley-deploy-')))
  await mkdir(machine.app)
  await symlink(path.dirname(ENTRY), path.join(machine.app, 'dist'))
  for (const name of ['package.json', 'node_modules']) {
    await symlink(path.join(PROJECT, name), path.join(machine.app, name))
  }
  return machine
}

describe('the deployment guide’s commands', () => {
  it('make the settings, check the server, connect a client, back up and restore', async () => {
    const blocks = runnableBlocks(guide)
    expect(blocks).toHaveLength(5)
    const [settings = '', check = '', client = '', backup = '', restore = ''] = blocks
    await using machine = await openMachine()
    await machine.run(settings)
    expect((await stat(path.join(machine.app, '.env'))).mode & 0o777).toBe(0o600)
    const environment = await machine.settings()
    expect(environment['PARLEY_API_KEY']).toMatch(/^[0-9a-f]{64}$/)

    const server = new ServerProcess({ ...environment, PARLEY_GATEWAYS: '1' })
    try {
      machine.url = String((await server.logged('listening'))['url'])
      const said = await machine.run(`${check}\n${client}`)
      expect(said).toContain('"status":"ok"')
      expect(said).toContain('"status":"ready"')
      expect(said).toContain('"role":"writer"')
      expect(said.match(/joined lobby at 0/g)).toHaveLength(2)
      expect(await machine.run(backup)).toMatch(/backup written and checked: .*\/data\/backups\//)
      const { paths } = (await (await fetch(`${machine.url}/openapi.json`)).json()) as {
        readonly paths: Readonly<Record<string, unknown>>
      }
      for (const [, route] of guide.matchAll(
        /(?:3000|example\.com|`)(\/[a-z]+z|\/api\/[a-z/]+)/g,
      )) {
        expect(Object.keys(paths)).toContain(route)
      }
    } finally {
      server.child.kill('SIGTERM')
      await server.exited
    }
    const restored = await machine.run(restore)
    expect(restored).toMatch(/pm2 stop parley\n[\s\S]*restored .*\n[\s\S]*pm2 start parley\n/)
  })
})
