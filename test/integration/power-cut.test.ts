import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqliteEngine } from '../../src/log/sqlite/sqlite-engine.ts'
import type { LogEngine } from '../../src/log/engine.ts'
import { compile } from '../contract/support/compile.ts'
import { parseTrace, PowerCutDisk } from './support/power-cut-disk.ts'
import type { Cut, Operation } from './support/power-cut-disk.ts'

const COMPILER = process.env['CC'] ?? 'cc'
const hasCompiler = spawnSync(COMPILER, ['--version']).status === 0
const canRun = process.platform === 'linux' && hasCompiler
const skipped = canRun ? '' : ' (skipped: needs Linux and a C compiler)'

const BATCHES = 90
/** Moments at which the power goes, of each kind. */
const CUTS = { log: 30, database: 30, rest: 10 } as const
/** Stored numbers that are asked for once more by their client's id, for each cut. */
const REPEATED = 20
/** `POWER_CUT_SEED=n` repeats the choices of a failed run. */
const SEED = Number(process.env['POWER_CUT_SEED'] ?? randomInt(1, 2 ** 31))

interface Brief {
  readonly type: string
  readonly id?: string
  readonly channelId?: string
  readonly messageId?: string
  readonly length?: number
}

/** A batch that was begun, and what was answered; nothing yet when the power went. */
interface Batch {
  readonly commands: readonly Brief[]
  answers: readonly (number | string | null)[] | undefined
}

function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

let directory: string
let operations: readonly Operation[]

beforeAll(() => {
  if (!canRun) return
  directory = mkdtempSync(path.join(tmpdir(), 'parley-power-'))
  const support = path.join(import.meta.dirname, 'support')
  const shim = path.join(directory, 'trace.so')
  const source = path.join(support, 'trace-writes.c')
  const cc = spawnSync(COMPILER, ['-shared', '-fPIC', '-O1', '-o', shim, source, '-ldl'])
  if (cc.status !== 0) throw new Error(`cc failed: ${String(cc.stderr)}`)
  const engine = compile('log/sqlite/sqlite-engine.ts', path.join(directory, 'dist'))
  const traced = path.join(directory, 'traced')
  mkdirSync(traced)
  const trace = path.join(directory, 'trace')
  const child = spawnSync(
    process.execPath,
    [path.join(support, 'power-cut-child.mjs'), engine, traced, String(SEED), String(BATCHES)],
    { env: { ...process.env, LD_PRELOAD: shim, TRACE_DIR: traced, TRACE_FILE: trace } },
  )
  if (child.status !== 0) throw new Error(`the child failed: ${String(child.stderr)}`)
  operations = parseTrace(readFileSync(trace))
})

afterAll(() => {
  if (canRun) rmSync(directory, { recursive: true })
})

/** Positions behind which the power goes: many where the log or the database is being written. */
function chooseCuts(random: () => number): Set<number> {
  const places = { log: [] as number[], database: [] as number[], rest: [] as number[] }
  for (const [index, { what, name }] of operations.entries()) {
    if (name === 'log.db-wal') places.log.push(index)
    else if (name === 'log.db' && what === 'write') places.database.push(index)
    else places.rest.push(index)
  }
  const chosen = new Set<number>()
  for (const kind of ['log', 'database', 'rest'] as const) {
    expect(places[kind].length, `operations on the ${kind}`).toBeGreaterThan(CUTS[kind])
    for (let count = 0; count < CUTS[kind]; count += 1) {
      chosen.add(places[kind][Math.floor(random() * places[kind].length)] ?? 0)
    }
  }
  return chosen
}

function readDiary(diary: string): Batch[] {
  const batches: Batch[] = []
  for (const line of diary.split('\n').slice(0, -1)) {
    const note = JSON.parse(line) as { begin?: Brief[]; done?: (number | string | null)[] }
    if (note.begin !== undefined) batches.push({ commands: note.begin, answers: undefined })
    const last = batches.at(-1)
    if (note.done !== undefined && last !== undefined) last.answers = note.done
  }
  return batches
}

interface Post {
  readonly id: string
  readonly channelId: string
  readonly seq: number
  readonly length: number
}

/** What must hold after a cut, from the answers that were given before it. */
class Promises {
  readonly posts: Post[] = []
  /** Messages whose content some later command may have changed or erased. */
  readonly touched = new Set<string>()
  /** Messages whose deletion was acknowledged. */
  readonly erased = new Set<string>()
  /** The posts of the batch that was under way, of which nobody was told anything. */
  readonly underWay: Pick<Post, 'id' | 'channelId'>[] = []

  constructor(batches: readonly Batch[]) {
    for (const { commands, answers } of batches) {
      for (const [index, command] of commands.entries()) this.#take(command, answers?.[index])
    }
  }

  #take(command: Brief, answer: number | string | null | undefined): void {
    const { type, id = '', channelId = '', messageId = '', length = 0 } = command
    if (type === 'post') {
      if (typeof answer === 'number') this.posts.push({ id, channelId, seq: answer, length })
      else this.underWay.push({ id, channelId })
    } else if (type === 'clear') {
      const isInside = (post: Pick<Post, 'channelId'>): boolean => post.channelId === channelId
      const inside = [...this.posts, ...this.underWay].filter(isInside)
      for (const post of inside) this.#change(post.id, typeof answer === 'number')
    } else if (messageId !== '') {
      const isDone = answer === null || typeof answer === 'number'
      this.#change(messageId, type === 'delete' && isDone)
    }
  }

  #change(messageId: string, isErased: boolean): void {
    this.touched.add(messageId)
    if (isErased) this.erased.add(messageId)
  }
}

interface Places {
  /** By message, where it is. */
  readonly messages: ReadonlyMap<string, string>
  /** Where postings are that have been erased. */
  readonly erased: ReadonlySet<string>
}

function readPlaces(engine: LogEngine): Places {
  const messages = new Map<string, string>()
  const erased = new Set<string>()
  for (const { id: channelId } of engine.channels()) {
    const all = { channelId, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000_000 }
    const entries = engine.entries({ ...all, maxBytes: Number.MAX_SAFE_INTEGER })
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
    for (const entry of entries) {
      if (entry.kind !== 'posted') continue
      if (entry.message === null) erased.add(`${channelId} ${entry.seq}`)
      else messages.set(entry.message.id, `${channelId} ${entry.seq}`)
    }
  }
  return { messages, erased }
}

function check(engine: LogEngine, promises: Promises, random: () => number): void {
  const { messages, erased } = readPlaces(engine)
  for (const { id, channelId, seq, length } of promises.posts) {
    const place = `${channelId} ${seq}`
    const mayBeErased = promises.touched.has(id) && erased.has(place)
    expect(`${id} ${mayBeErased ? place : messages.get(id)}`).toBe(`${id} ${place}`)
    const text = engine.message(id)?.body.text
    if (promises.erased.has(id)) expect(text).toBeUndefined()
    else if (!promises.touched.has(id)) expect(text).toHaveLength(length)
  }
  const underWay = promises.underWay.filter(({ id }) => !promises.touched.has(id))
  const present = underWay.filter(({ id }) => messages.has(id))
  expect([0, underWay.length]).toContain(present.length)
  for (let count = 0; count < REPEATED && promises.posts.length > 0; count += 1) {
    const post = promises.posts[Math.floor(random() * promises.posts.length)]
    if (post !== undefined) repeat(engine, post)
  }
}

/** The same client id gets the first result. */
function repeat(engine: LogEngine, { id, channelId, seq }: Post): void {
  const message = { id: `again-${id}`, channelId, authorId: 'author', clientMessageId: `c-${id}` }
  const body = { text: 'another text', source: 'test' }
  const command = { type: 'post', id: `again-${id}`, message: { ...message, body } } as const
  const [applied] = engine.apply([command])
  expect(applied).toMatchObject({ outcome: { seq, isDuplicate: true } })
}

/** Opens what the cut left, as the next start does, and checks it. */
function reopen(files: ReadonlyMap<string, Buffer>, promises: Promises, random: () => number) {
  const place = mkdtempSync(path.join(directory, 'cut-'))
  try {
    for (const [name, bytes] of files) {
      if (name !== 'diary') writeFileSync(path.join(place, name), bytes)
    }
    const file = path.join(place, 'log.db')
    const engine = openSqliteEngine({ file, durability: 'normal' })
    check(engine, promises, random)
    engine.close()
    const database = new Database(file)
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    database.close()
  } finally {
    rmSync(place, { recursive: true })
  }
}

const KEEPS = [0, 0.1, 0.5, 0.9, 1] as const

describe.skipIf(!canRun)(`a power cut at any moment${skipped}`, () => {
  it('leaves a log that opens clean and holds everything acknowledged', () => {
    const random = createRandom(SEED)
    const cuts = chooseCuts(random)
    const disk = new PowerCutDisk()
    let diary = ''
    let tornCuts = 0
    for (const [index, operation] of operations.entries()) {
      disk.do(operation)
      if (operation.name === 'diary' && operation.what === 'write')
        diary += operation.data.toString()
      if (!cuts.has(index)) continue
      if (disk.pendingCount > 0) tornCuts += 1
      const promises = new Promises(readDiary(diary))
      for (const gap of ['zeros', 'garbage'] as const) {
        const keep = KEEPS[Math.floor(random() * KEEPS.length)] ?? 0
        const cut: Cut = { keep, gap, chance: (probability) => random() < probability }
        try {
          reopen(disk.cut(cut), promises, random)
        } catch (error) {
          const where = `POWER_CUT_SEED=${SEED}: behind operation ${index}, keep ${keep}, ${gap}`
          throw new Error(where, { cause: error })
        }
      }
    }
    expect(tornCuts).toBeGreaterThan(CUTS.log / 2)
    expect(readDiary(diary).every(({ answers }) => answers !== undefined)).toBe(true)
  }, 180_000)
})
