import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { contentOf, databaseOf, madeBackup, say, CHANNEL, SETTINGS } from './support/backups.ts'
import { eventually } from './support/eventually.ts'
import { temporaryDataDir } from './support/run.ts'
import { startServer } from './support/server.ts'
import { TestClient } from './support/sockets.ts'
import { runTool } from './support/tool.ts'

describe('a restore', () => {
  it('puts the backup in place, keeps what was, and begins another epoch', async () => {
    await using place = await temporaryDataDir()
    const { backup } = await madeBackup(place.path)
    const before = contentOf(databaseOf(place.path))
    const done = await runTool(['restore', backup], {
      environment: { PARLEY_DATA_DIR: place.path },
    })
    expect(done).toMatchObject({ code: 0 })
    const kept = /kept aside: (.+)\n/.exec(done.stdout)?.[1] ?? ''
    expect(contentOf(kept)).toEqual(before)
    const after = contentOf(databaseOf(place.path))
    expect(after.texts).toEqual(['one'])
    expect(after.epoch).not.toBe(before.epoch)
    expect(done.stdout).toContain(after.epoch)
    expect(contentOf(backup)).toEqual({ epoch: before.epoch, texts: ['one'] })
  })

  it('tells a client of the time before to fetch history', async () => {
    await using place = await temporaryDataDir()
    const { backup } = await madeBackup(place.path)
    await using first = await startServer(SETTINGS, { dataDir: place.path })
    await using client = new TestClient({
      url: first.url,
      name: 'reader',
      transport: 'websocket',
      channels: [CHANNEL],
    })
    await client.open()
    expect(client.positionOf(CHANNEL)?.seq).toBe(2)
    await first.stop()
    const environment = { PARLEY_DATA_DIR: place.path }
    expect(await runTool(['restore', backup], { environment })).toMatchObject({ code: 0 })
    {
      // As many messages again: the client's number exists, and means another message.
      await using elsewhere = await startServer(SETTINGS, { dataDir: place.path })
      for (const text of ['another two', 'another three']) await say(elsewhere.url, text)
      await elsewhere.stop()
    }
    const settings = { ...SETTINGS, PARLEY_PORT: String(first.port) }
    await using second = await startServer(settings, { dataDir: place.path })
    const joined = await eventually(() => client.journal.all('joined')[1], {
      what: 'a second join',
    })
    expect(joined).toMatchObject({ recovered: false, seq: 3 })
    await say(second.url, 'again')
    await client.reached(CHANNEL, 4)
  })

  it('is refused while a server runs', async () => {
    await using server = await startServer(SETTINGS)
    const environment = { PARLEY_DATA_DIR: server.dataDir }
    const backup = path.join(server.dataDir, 'b.db')
    expect(await runTool(['backup', backup], { environment })).toMatchObject({ code: 0 })
    const refused = await runTool(['restore', backup], { environment })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('stop it first') })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })

  it('takes nothing that is no sound backup, and changes nothing then', async () => {
    await using place = await temporaryDataDir()
    const { backup } = await madeBackup(place.path)
    const environment = { PARLEY_DATA_DIR: place.path }
    const tampered = (name: string, tamper: (database: Database.Database) => void): string => {
      const file = path.join(place.path, name)
      copyFileSync(backup, file)
      const database = new Database(file)
      tamper(database)
      database.close()
      return file
    }
    const garbage = path.join(place.path, 'garbage')
    writeFileSync(garbage, 'no database, but a letter to somebody'.repeat(200))
    const damaged = path.join(place.path, 'damaged')
    const bytes = readFileSync(backup)
    bytes.fill(0x5a, 16_384, 20_480)
    writeFileSync(damaged, bytes)
    const empty = path.join(place.path, 'empty')
    writeFileSync(empty, '')
    const before = readFileSync(databaseOf(place.path))
    const cases: readonly (readonly [file: string, reason: RegExp])[] = [
      [path.join(place.path, 'nowhere'), /there is no file/],
      [garbage, /not a database/],
      [damaged, /damaged/],
      [empty, /empty/],
      [tampered('newer', (database) => database.pragma('user_version = 999')), /version 999/],
      [tampered('foreign', (database) => database.pragma('application_id = 1')), /another program/],
      [
        tampered('index', (database) => {
          database.unsafeMode(true)
          database.pragma('writable_schema = ON')
          database.exec(`DELETE FROM sqlite_schema WHERE name = 'entries_id'`)
        }),
        /damaged/,
      ],
    ]
    for (const [file, reason] of cases) {
      const refused = await runTool(['restore', file], { environment })
      expect(refused.code, `${file}: ${refused.stdout}`).toBe(1)
      expect(refused.stderr).toMatch(reason)
      expect(refused.stderr.trim().split('\n')).toHaveLength(1)
    }
    expect(readFileSync(databaseOf(place.path)).equals(before)).toBe(true)
    expect(readdirSync(place.path).filter((name) => name.includes('restor'))).toEqual([])
  })

  it.each(['its beginning', 'its log too'])(
    'replaces a database that is damaged: %s',
    async (what) => {
      await using place = await temporaryDataDir()
      const { backup } = await madeBackup(place.path)
      const database = databaseOf(place.path)
      const bytes = readFileSync(database)
      bytes.fill(0x5a, 0, 4_096)
      writeFileSync(database, bytes)
      if (what === 'its log too') writeFileSync(`${database}-wal`, 'damaged as well')
      const done = await runTool(['restore', backup], {
        environment: { PARLEY_DATA_DIR: place.path },
      })
      expect(done).toMatchObject({ code: 0 })
      const kept = /kept aside: (.+)\n/.exec(done.stdout)?.[1] ?? ''
      expect(readFileSync(kept).equals(bytes)).toBe(true)
      expect(existsSync(`${database}-wal`)).toBe(false)
      expect(contentOf(database).texts).toEqual(['one'])
    },
  )

  it('leaves the old database or the restored one when it is killed, at any step', async () => {
    const origin = mkdtempSync(path.join(tmpdir(), 'parley-restore-'))
    // A killed server leaves its log beside the database; the messages are only there.
    const { backup } = await madeBackup(origin, 'kill')
    const files = ['', '-wal'].map(
      (suffix) => [suffix, readFileSync(databaseOf(origin) + suffix)] as const,
    )
    expect(files[1]?.[1].length).toBeGreaterThan(0)
    const killer = pathToFileURL(path.join(import.meta.dirname, 'support/kill-at-step.mjs')).href
    const found: (readonly string[])[] = []
    for (let step = 1; ; step += 1) {
      await using place = await temporaryDataDir()
      const database = databaseOf(place.path)
      for (const [suffix, bytes] of files) writeFileSync(database + suffix, bytes)
      const environment = {
        PARLEY_DATA_DIR: place.path,
        NODE_OPTIONS: `--import ${killer}`,
        KILL_AT_STEP: String(step),
      }
      const { code, signal } = await runTool(['restore', backup], { environment })
      const left = mkdtempSync(path.join(tmpdir(), 'parley-left-'))
      for (const suffix of ['', '-wal']) {
        if (existsSync(database + suffix)) {
          copyFileSync(database + suffix, path.join(left, `parley.db${suffix}`))
        }
      }
      found.push(contentOf(databaseOf(left)).texts)
      rmSync(left, { recursive: true })
      const plain = { PARLEY_DATA_DIR: place.path }
      expect(await runTool(['restore', backup], { environment: plain })).toMatchObject({ code: 0 })
      expect(contentOf(database).texts).toEqual(['one'])
      expect(readdirSync(place.path).filter((name) => name.includes('restoring'))).toEqual([])
      if (signal === null) {
        expect(code).toBe(0)
        break
      }
      expect(signal).toBe('SIGKILL')
    }
    rmSync(origin, { recursive: true })
    expect(found.length).toBeGreaterThan(5)
    const firstNew = found.findIndex((texts) => texts.length === 1)
    expect(found.slice(0, firstNew)).toEqual(found.slice(0, firstNew).map(() => ['one', 'two']))
    expect(found.slice(firstNew)).toEqual(found.slice(firstNew).map(() => ['one']))
    expect(firstNew).toBeGreaterThan(3)
  }, 120_000)
})
