import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import { ERRORS } from '../../src/protocol/errors.ts'
import { fencedBlocks, PROJECT, readPage } from './support/page.ts'

interface App {
  readonly name: string
  readonly script: string
  readonly kill_timeout: number
}

interface Package {
  readonly scripts: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
}

const require = createRequire(import.meta.url)
const guide = readPage('wrangler-free-deploy.md')
const { scripts, engines } = JSON.parse(readPage('package.json')) as Package
const unit = fencedBlocks(guide, 'systemd').at(-1) ?? ''

/** What pm2 would read now. */
function ecosystem(): App {
  const file = path.join(PROJECT, 'ecosystem.config.cjs')
  // pm2 reads the file anew with each command, too.
  Reflect.deleteProperty(require.cache, file)
  const { apps } = require(file) as { readonly apps: readonly [App] }
  return apps[0]
}

/** The longest that a stop may take: agent hosts, then the writer; each is killed after the drain and its 10 s. */
const longestStopMs = (drainMs: number): number => 2 * drainMs + 20_000

const defaultDrainMs = Number(SETTINGS.drainMs.shown)

function sources(): string {
  const folder = path.join(PROJECT, 'src')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
    .join('\n')
}

function matches(expression: RegExp, text = guide): string[] {
  return [...new Set([...text.matchAll(expression)].map(([, found]) => found ?? ''))]
}

describe('the deployment guide', () => {
  it('names only settings that exist, with their defaults', () => {
    const settings = Object.values(SETTINGS)
    const known = settings.flatMap(({ env }): readonly string[] => env)
    for (const name of matches(/\b(PARLEY_[A-Z_]+)/g)) expect(known).toContain(name)
    const rows = [...guide.matchAll(/^\| `([A-Z_]+)` \| (?:`(.*?)`)? ?\|/gm)]
    expect(rows.length).toBeGreaterThan(5)
    for (const [, name = '', shown = ''] of rows) {
      const setting = settings.find(({ env }) => env[0] === name)
      expect({ name, shown }).toEqual({ name, shown: setting?.shown })
    }
  })

  it('names only commands that the package has', () => {
    const named = matches(/npm run ([a-z]+)/g)
    expect(named).toEqual(expect.arrayContaining(['backup', 'restore']))
    for (const name of named) expect(Object.keys(scripts)).toContain(name)
  })

  it('says which Node is needed as the package does', () => {
    expect(engines.node).toBe('^20.19.0 || ^22.12.0 || >=24.0.0')
    expect(guide).toContain('Node must be 20.19+, 22.12+ or 24+.')
  })

  it('quotes messages, close codes and error codes that the program has', () => {
    const source = sources()
    for (const quoted of [
      'parley cannot start: ',
      'another server runs on the data directory',
      'is not running',
      'the disk is full',
      'the database is damaged',
      'the database has version ',
      'this release knows ',
      'reader too slow, connection closed',
      'process is stuck, killing it',
    ]) {
      expect(guide).toContain(quoted)
      expect(source).toContain(quoted)
    }
    const codes = matches(/closed with (\d+)/g).map(Number)
    expect(new Set(codes)).toEqual(
      new Set([CLOSE_CODES.GATEWAY_DRAINING, CLOSE_CODES.READER_TOO_SLOW]),
    )
    for (const code of matches(/fail with `([A-Z_]+)`/g))
      expect(Object.keys(ERRORS)).toContain(code)
  })

  it('speaks of the same application and pm2 as the configuration and the checks', () => {
    const names = matches(
      /pm2 (?:restart|stop|start|logs|pid|sendSignal SIGUSR2) ([a-z]+)(?![a-z.])/g,
    )
    expect(names).toEqual([ecosystem().name])
    const [version = 'none'] = matches(/pm2@(\S+)/g)
    expect(readPage('.ci/run')).toContain(`pm2@${version}`)
  })
})

describe('ecosystem.config.cjs', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('runs what `npm start` runs, as one process, and sets nothing', () => {
    const app = ecosystem()
    expect(scripts['start']).toBe(`exec node ${app.script}`)
    expect(app).toMatchObject({
      cwd: PROJECT,
      exec_mode: 'fork',
      instances: 1,
      wait_ready: true,
      treekill: false,
    })
    expect(JSON.stringify(app)).not.toContain('PARLEY_')
    expect(app).not.toHaveProperty('env')
  })

  it('gives a stop longer than the drain, also than a longer one', () => {
    expect(ecosystem().kill_timeout).toBeGreaterThan(longestStopMs(defaultDrainMs))
    vi.stubEnv('PARLEY_DRAIN_MS', '120000')
    expect(ecosystem().kill_timeout).toBeGreaterThan(longestStopMs(120_000))
  })

  it.each(['', 'soon'])('takes the default where the drain is "%s"', (drain) => {
    const { kill_timeout: expected } = ecosystem()
    vi.stubEnv('PARLEY_DRAIN_MS', drain)
    expect(ecosystem().kill_timeout).toBe(expected)
  })
})

describe('the guide’s systemd unit', () => {
  it.each([
    'Type=exec',
    'ExecReload=/bin/kill -USR2 $MAINPID',
    'KillMode=mixed',
    'Restart=always',
    'StartLimitIntervalSec=0',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ReadWritePaths=/srv/parley/data',
    'WantedBy=multi-user.target',
  ])('has %s', (directive) => {
    expect(unit.split('\n')).toContain(directive)
  })

  it('runs what `npm start` runs, and gives a stop longer than the drain', () => {
    expect(unit).toContain(`ExecStart=/usr/bin/node ${ecosystem().script}\n`)
    const stopSeconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
    expect(stopSeconds * 1_000).toBeGreaterThan(longestStopMs(defaultDrainMs))
    expect(Number(/^LimitNOFILE=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThanOrEqual(65_536)
  })
})
