import { describe, expect, it } from 'vitest'
import { LogRing } from '../../../src/telemetry/log-ring.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { shortenLine } from '../../../src/telemetry/shorten-line.ts'
import { isWithoutStream, withoutStream } from '../../../src/telemetry/without-stream.ts'

function loggerInto(lines: string[]) {
  const destination = { write: (line: string) => lines.push(line) }
  return createLogger({ level: 'info', role: 'gateway', destination })
}

/** What any access to a hostile object does. */
function trap(): never {
  throw new Error('from the trap')
}

describe('the logger', () => {
  it('names the process and keeps secrets out', () => {
    const lines: string[] = []
    loggerInto(lines).info({ apiKey: 's3cret', headers: { 'x-api-key': 's3cret' } }, 'said')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      role: 'gateway',
      pid: process.pid,
      msg: 'said',
      apiKey: '[redacted]',
    })
    expect(lines.join()).not.toContain('s3cret')
  })

  it('writes a line for whatever is thrown, as far as that can be read', () => {
    const lines: string[] = []
    const logger = loggerInto(lines)
    const circle = Object.assign(new Error('a circle'), { self: {} })
    circle.self = circle
    const deep = Object.assign(new Error('deep'), {
      inner: Object.defineProperty({}, 'x', { get: trap, enumerable: true }),
    })
    const things: readonly unknown[] = [
      new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap }),
      new Proxy({}, { get: trap }),
      new Proxy({}, { ownKeys: trap }),
      Object.freeze(new Error('frozen')),
      Object.defineProperty(new Error('x'), 'message', { get: trap }),
      circle,
      deep,
      'words',
      undefined,
      Symbol('s'),
    ]
    for (const err of things) logger.error({ err, which: 'it' }, 'thrown')
    const written = lines.map((line) => JSON.parse(line) as { err?: { message?: string } })
    expect(written.every((line) => 'which' in line)).toBe(true)
    expect(written.map(({ err }) => err?.message ?? err)).toEqual([
      'what was thrown cannot be read',
      'what was thrown cannot be read',
      'what was thrown cannot be read',
      'frozen',
      'what was thrown cannot be read',
      'a circle',
      expect.stringContaining('unable to serialize'),
      'words',
      undefined,
      undefined,
    ])
  })

  it('marks loggers whose lines are not streamed, and their children, and adds nothing to the line', () => {
    const lines: string[] = []
    const logger = loggerInto(lines)
    const quiet = withoutStream(logger)
    quiet.info('quiet')
    expect(isWithoutStream(quiet)).toBe(true)
    expect(isWithoutStream(quiet.child({ part: 'x' }))).toBe(true)
    expect(isWithoutStream(logger)).toBe(false)
    expect(Object.keys(JSON.parse(lines[0] ?? '') as object)).toEqual([
      'level',
      'time',
      'pid',
      'role',
      'msg',
    ])
  })
})

describe('LogRing', () => {
  it('keeps the newest lines, oldest first, until it is cleared', () => {
    const ring = new LogRing(3)
    ring.push(['a', 'b'])
    ring.push(['c', 'd'])
    expect(ring.lines()).toEqual(['b', 'c', 'd'])
    ring.clear()
    expect(ring.lines()).toEqual([])
  })
})

describe('shortenLine', () => {
  it('keeps the standard fields of a line that is too long', () => {
    const line = JSON.stringify({ level: 30, time: 1, msg: 'm'.repeat(20_000), payload: 'p' })
    const short = JSON.parse(shortenLine(line)) as Record<string, unknown>
    expect(short).toMatchObject({ level: 30, time: 1, isShortened: true })
    expect(String(short['msg']).length).toBeLessThan(2_000)
    expect(shortenLine('{"level":30}')).toBe('{"level":30}')
  })
})
