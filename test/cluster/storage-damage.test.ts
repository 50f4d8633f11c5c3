import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { channelPath, createChannel, rest } from './support/rest.ts'
import { killAtOnce, temporaryDataDir } from './support/run.ts'
import { startServer } from './support/server.ts'
import { SmallDisk, whyNoSmallDisk } from './support/small-disk.ts'
import { runTool } from './support/tool.ts'
import type { ToolRun } from './support/tool.ts'
import { readTruth } from './support/truth.ts'

const SETTINGS = { PARLEY_GATEWAYS: '1', PARLEY_AGENT_HOSTS: '0' }
const CHANNEL = 'room'
/** What a start says where only another file helps. */
const ADVICE = 'npm run restore -- <file>'
/** The user `nobody`. */
const NOBODY = 65_534

function start(dataDir: string, uid?: number): Promise<ToolRun> {
  const environment = { ...SETTINGS, PARLEY_DATA_DIR: dataDir, PARLEY_LOG_LEVEL: 'silent' }
  return runTool([], { environment, ...(uid !== undefined && { uid }) })
}

async function post(url: string, number: number): Promise<void> {
  const body = { author_id: 'author', content: `text ${number}`, messageId: `m-${number}` }
  const call = { method: 'POST', path: `${channelPath(CHANNEL)}/messages`, body } as const
  expect((await rest(url, call)).status).toBe(201)
}

/**
 * The files of a server that was killed with `count` acknowledged messages in its log, and how long the
 * log was behind each of them.
 */
async function killedServer(dataDir: string, count: number): Promise<readonly number[]> {
  await using server = await startServer(SETTINGS, { dataDir })
  await createChannel(server.url, CHANNEL)
  const ends: number[] = []
  for (let number = 1; number <= count; number += 1) {
    await post(server.url, number)
    ends.push(statSync(path.join(dataDir, 'parley.db-wal')).size)
  }
  killAtOnce(...(await server.processes()).map(({ pid }) => pid))
  return ends
}

/** The same messages, in a database whose server was stopped. */
async function stoppedServer(dataDir: string, count: number): Promise<string> {
  await using server = await startServer(SETTINGS, { dataDir })
  await createChannel(server.url, CHANNEL)
  for (let number = 1; number <= count; number += 1) await post(server.url, number)
  await server.stop()
  return path.join(dataDir, 'parley.db')
}

async function expectMessages(dataDir: string, count: number): Promise<void> {
  await using server = await startServer(SETTINGS, { dataDir })
  const [truth] = await readTruth(server, [CHANNEL])
  const expected = Array.from({ length: count }, (_, index) => `${index + 1} text ${index + 1}`)
  expect(truth?.history.map(({ seq, content }) => `${seq} ${content}`)).toEqual(expected)
  await post(server.url, count + 1)
}

function overwrite(file: string, offset: number, bytes: Buffer): void {
  const content = readFileSync(file)
  bytes.copy(content, offset)
  writeFileSync(file, content)
}

describe('a damaged database', () => {
  it.each([
    { what: 'its beginning', at: () => 0 },
    { what: 'a page in its middle', at: (size: number) => Math.floor(size / 8192) * 4096 },
  ])('refuses a start and names the way out: $what', async ({ at }) => {
    await using place = await temporaryDataDir()
    const file = await stoppedServer(place.path, 3)
    overwrite(file, at(statSync(file).size), Buffer.alloc(4_096, 0x5a))
    const damaged = readFileSync(file)
    const { code, stderr } = await start(place.path)
    expect(code).toBe(1)
    expect(stderr).toMatch(/damaged/)
    expect(stderr).toContain(ADVICE)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(readFileSync(file).equals(damaged)).toBe(true)
  })

  it('refuses a database of a newer release and says so', async () => {
    await using place = await temporaryDataDir()
    const file = await stoppedServer(place.path, 1)
    using database = opened(file)
    database.file.pragma('user_version = 999')
    database[Symbol.dispose]()
    const { code, stderr } = await start(place.path)
    expect(code).toBe(1)
    expect(stderr).toContain('the database has version 999, this release knows')
  })

  it('refuses a database of another program and leaves it alone', async () => {
    await using place = await temporaryDataDir()
    const file = path.join(place.path, 'parley.db')
    using database = opened(file)
    database.file.exec('CREATE TABLE songs (title); INSERT INTO songs VALUES (1)')
    database[Symbol.dispose]()
    const before = readFileSync(file)
    const { code, stderr } = await start(place.path)
    expect(code).toBe(1)
    expect(stderr).toContain('a database of another program')
    expect(readFileSync(file).equals(before)).toBe(true)
  })
})

function opened(file: string): Disposable & { readonly file: Database.Database } {
  const database = new Database(file)
  return {
    file: database,
    [Symbol.dispose]: () => {
      database.close()
    },
  }
}

describe('a damaged end of the log', () => {
  const COUNT = 6
  /** The messages before this one lie before the damage. */
  const HIT = 5

  it.each([
    {
      what: 'garbage behind its end',
      left: COUNT,
      damage: (file: string) => writeFileSync(file, Buffer.alloc(10_000, 0xa5), { flag: 'a' }),
    },
    {
      what: 'a torn last commit',
      left: COUNT - 1,
      damage: (file: string, ends: readonly number[]) => {
        truncateSync(file, (ends[COUNT - 1] ?? 0) - 100)
      },
    },
    {
      what: 'its second last commit cut off',
      left: HIT - 1,
      damage: (file: string, ends: readonly number[]) => {
        truncateSync(file, (ends[HIT - 1] ?? 0) - 1)
      },
    },
    {
      what: 'one bit of its second last commit',
      left: HIT - 1,
      damage: (file: string, ends: readonly number[]) => {
        const offset = (ends[HIT - 1] ?? 0) - 2_000
        const byte = readFileSync(file).readUInt8(offset)
        overwrite(file, offset, Buffer.from([byte ^ 4]))
      },
    },
  ])('leaves everything before it: $what', async ({ left, damage }) => {
    await using place = await temporaryDataDir()
    const ends = await killedServer(place.path, COUNT)
    expect(new Set(ends).size).toBe(COUNT)
    damage(path.join(place.path, 'parley.db-wal'), ends)
    await expectMessages(place.path, left)
  })
})

describe('a data directory that cannot be used', () => {
  it('is refused when it is a file, or lies in one', async () => {
    await using place = await temporaryDataDir()
    const file = path.join(place.path, 'file')
    writeFileSync(file, '')
    for (const dataDir of [file, path.join(file, 'data')]) {
      const { code, stderr } = await start(dataDir)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^parley cannot start: PARLEY_DATA_DIR=.* a file, not a directory/)
    }
  })

  it('is refused when this user may not write there', async () => {
    await using place = await temporaryDataDir()
    const uid = process.getuid?.() === 0 ? NOBODY : undefined
    const dataDir = path.join(place.path, 'data')
    mkdirSync(dataDir)
    chmodSync(place.path, 0o755)
    chmodSync(dataDir, 0o555)
    // Root's files may be out of reach for others; then nothing can be tried.
    if (uid !== undefined && (await runTool(['--version'], { uid })).code !== 0) return
    const { code, stderr } = await start(dataDir, uid)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^parley cannot start: PARLEY_DATA_DIR=.* cannot be used: /)
    expect(existsSync(path.join(dataDir, 'parley.db'))).toBe(false)
    chmodSync(dataDir, 0o755)
  })

  it('is refused when only the database is not to be written', async () => {
    await using place = await temporaryDataDir()
    const file = await stoppedServer(place.path, 1)
    const uid = process.getuid?.() === 0 ? NOBODY : undefined
    if (uid !== undefined && (await runTool(['--version'], { uid })).code !== 0) return
    chmodSync(place.path, 0o777)
    for (const name of ['server.lock', 'writer.lock']) rmSync(path.join(place.path, name))
    const copy = path.join(place.path, 'copy')
    copyFileSync(file, copy)
    chmodSync(file, 0o444)
    const { code, stderr } = await start(place.path, uid)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^parley cannot start: .*parley\.db/)
    expect(readFileSync(file).equals(readFileSync(copy))).toBe(true)
  })

  const obstacle = whyNoSmallDisk()
  const skipped = obstacle === '' ? '' : ` (skipped: ${obstacle})`

  it.skipIf(obstacle !== '')(`is refused when its disk is read-only${skipped}`, async () => {
    using disk = new SmallDisk(6)
    await stoppedServer(disk.dataDir, 2)
    disk.remount('ro')
    const { code, stderr } = await start(disk.dataDir)
    expect(code).toBe(1)
    expect(stderr).toContain(`PARLEY_DATA_DIR=${disk.dataDir} cannot be used: its file system is`)
    disk.remount('rw')
    await expectMessages(disk.dataDir, 2)
  })
})
