import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyDatabase } from '../../src/log/sqlite/copy-database.ts'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import { channelIn, post } from '../contract/engine-support.ts'
import { contentOf, databaseOf, madeBackup, say, CHANNEL, SETTINGS } from './support/backups.ts'
import { createChannel } from './support/rest.ts'
import { killAtOnce, openRun, RESUME_ANY_GAP, temporaryDataDir } from './support/run.ts'
import { startServer } from './support/server.ts'
import { runTool } from './support/tool.ts'
import { readTruth } from './support/truth.ts'

describe('a backup', () => {
  it('of a loaded server holds everything that was acknowledged before it began', async () => {
    await using server = await startServer({ ...RESUME_ANY_GAP, PARLEY_GATEWAYS: '2' })
    await using run = await openRun(server.url, {
      name: 'backup',
      clientCount: 8,
      channelCount: 4,
      load: { messagesPerSender: 300, windowSize: 8 },
    })
    run.load.start()
    await run.load.reached(0.25)
    const acknowledged = [...run.load.acknowledged]
    const made = await runTool(['backup'], { environment: { PARLEY_DATA_DIR: server.dataDir } })
    expect(made).toMatchObject({ code: 0 })
    const backups = path.join(server.dataDir, 'backups')
    const names = readdirSync(backups)
    expect(names).toEqual([expect.stringMatching(/^parley-\d{4}-\d\d-\d\dT[\d-]+Z\.db$/)])
    expect(statSync(backups).mode & 0o777).toBe(0o700)
    const file = path.join(backups, String(names[0]))
    expect(made.stdout).toContain(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await run.judge(server)).violations).toEqual([])

    await using place = await temporaryDataDir()
    const environment = { PARLEY_DATA_DIR: place.path }
    expect(await runTool(['restore', file], { environment })).toMatchObject({ code: 0 })
    await using restored = await startServer(SETTINGS, { dataDir: place.path })
    const truths = await readTruth(restored, run.channels)
    const [original] = await readTruth(server, run.channels)
    for (const { stored, epoch } of truths) {
      expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, index) => index + 1))
      expect(epoch).not.toBe(original?.epoch)
    }
    const kept = new Set(truths.flatMap(({ history }) => history.map(({ id }) => id)))
    expect(acknowledged.filter(({ messageId }) => !kept.has(messageId))).toEqual([])
  })

  it('is made of what a killed server left, its log included', async () => {
    await using place = await temporaryDataDir()
    const environment = { PARLEY_DATA_DIR: place.path }
    {
      await using server = await startServer(SETTINGS, { dataDir: place.path })
      await createChannel(server.url, CHANNEL)
      await say(server.url, 'one')
      killAtOnce(...(await server.processes()).map(({ pid }) => pid))
    }
    const file = path.join(place.path, 'copy.db')
    expect(await runTool(['backup', file], { environment })).toMatchObject({ code: 0 })
    expect(readdirSync(place.path).filter((name) => name.startsWith('copy'))).toEqual(['copy.db'])
    expect(contentOf(file).texts).toEqual(['one'])
  })

  it('overwrites nothing and needs a database', async () => {
    await using place = await temporaryDataDir()
    const environment = { PARLEY_DATA_DIR: place.path }
    const none = await runTool(['backup'], { environment })
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no database') })
    const { backup } = await madeBackup(place.path)
    const before = readFileSync(backup)
    const again = await runTool(['backup', backup], { environment })
    expect(again).toMatchObject({
      code: 1,
      stderr: `parley backup: ${backup} exists; nothing is overwritten\n`,
    })
    expect(readFileSync(backup).equals(before)).toBe(true)
    const nowhere = path.join(place.path, 'no', 'such.db')
    const lost = await runTool(['backup', nowhere], { environment })
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('does not exist') })
  })

  it('of a damaged database is refused and leaves no file', async () => {
    await using place = await temporaryDataDir()
    await madeBackup(place.path)
    const database = databaseOf(place.path)
    const bytes = readFileSync(database)
    bytes.fill(0x5a, 16_384, 20_480)
    writeFileSync(database, bytes)
    const file = path.join(place.path, 'bad.db')
    const made = await runTool(['backup', file], { environment: { PARLEY_DATA_DIR: place.path } })
    expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining('damaged') })
    expect(readdirSync(place.path).filter((name) => name.startsWith('bad'))).toEqual([])
  })

  it('is one moment, made in one go however much is written meanwhile', async () => {
    await using place = await temporaryDataDir()
    const file = path.join(place.path, 'log.db')
    const engine = openSqliteEngine({ file, durability: 'normal' })
    const channelId = channelIn(engine)
    const batch = (text: string) => Array.from({ length: 100 }, () => post(channelId, text))
    for (let count = 0; count < 40; count += 1) engine.apply(batch('x'.repeat(10_000)))
    const shares: number[] = []
    const copy = path.join(place.path, 'copy.db')
    await copyDatabase(file, copy, {
      signal: new AbortController().signal,
      onProgress: (copied, total) => {
        shares.push(copied / total)
        if (shares.length > 100) throw new Error('the copy never ends')
        engine.apply(batch('late'))
      },
    })
    expect(shares.length).toBeGreaterThan(3)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    const copied = openSqliteEngine({ file: copy, durability: 'normal' })
    expect(copied.head(channelId)).toBe(4_000)
    expect(engine.head(channelId)).toBe(4_000 + 100 * shares.length)
    copied.close()
    engine.close()
  })
})

describe('the command line', () => {
  it('shows its usage and its version', async () => {
    const help = await runTool(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const word of ['backup', 'restore', '--version']) expect(help.stdout).toContain(word)
    const version = await runTool(['--version'])
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it.each([
    [['bakcup'], 'unknown command: bakcup'],
    [['backup', 'a', 'b'], 'too many arguments: b'],
    [['restore'], 'Name its file'],
    [['--frobnicate'], "Unknown option '--frobnicate'"],
    [['--help=1'], "Option '-h, --help' does not take an argument"],
  ])('refuses %j with what there is, and exits 2', async (args, problem) => {
    const refused = await runTool(args)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(problem)
    expect(refused.stderr).toContain('parley restore <file>')
    expect(refused.stdout).toBe('')
  })
})
