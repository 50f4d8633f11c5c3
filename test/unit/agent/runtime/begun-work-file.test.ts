import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BegunWorkFile } from '../../../../src/agent/runtime/begun-work-file.ts'

describe('what is being worked at', () => {
  let directory = ''
  let file = ''
  let lines: string[] = []
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'parley-begun-'))
    file = join(directory, 'begun')
    lines = []
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  const open = (path = file): BegunWorkFile =>
    new BegunWorkFile(
      path,
      pino({}, { write: (line: string) => lines.push(JSON.parse(line).msg as string) }),
    )

  it('is counted for each process that ended meanwhile, until it has ended', () => {
    for (let died = 0; died < 3; died += 1) {
      const process = open()
      expect([process.unfinished('agent', 'm1'), process.unfinished('agent', 'm2')]).toEqual([
        died,
        0,
      ])
      expect(process.unfinished('other', 'm1')).toBe(0)
      // More than once in one life of a process is once.
      process.begin('agent', 'm1')
      process.begin('agent', 'm1')
      process.begin('agent', 'm2')
      process.end('agent', 'm2')
    }
    const last = open()
    last.end('agent', 'm1')
    expect(last.unfinished('agent', 'm1')).toBe(0)
    expect(open().unfinished('agent', 'm1')).toBe(0)
    expect(lines).toEqual([])
  })

  it('is not remembered beyond a thousand messages, and the file grows no more', () => {
    const process = open()
    for (let index = 0; index < 3_000; index += 1) process.begin('a'.repeat(128), `m${index}`)
    expect(statSync(file).size).toBe(1_024 * 320)
    const next = open()
    expect(next.unfinished('a'.repeat(128), 'm1023')).toBe(1)
    expect(next.unfinished('a'.repeat(128), 'm1024')).toBe(0)
    next.end('a'.repeat(128), 'm5')
    next.begin('a'.repeat(128), 'm1024')
    expect(open().unfinished('a'.repeat(128), 'm1024')).toBe(1)
  })

  it('takes the place of the oldest that never came again, which is said once', () => {
    // Each of these lives is killed, and then all its messages are deleted.
    for (let life = 0; life < 16; life += 1) {
      const process = open()
      for (let index = 0; index < 64; index += 1) process.begin('agent', `gone ${life} ${index}`)
    }
    expect(lines).toEqual([])
    for (let died = 0; died < 3; died += 1) {
      const process = open()
      expect(process.unfinished('agent', 'poison')).toBe(died)
      process.begin('agent', 'poison')
      process.begin('agent', `beside it ${died}`)
    }
    const process = open()
    const lost = Array.from({ length: 16 * 64 }, (_, index) => index).filter(
      (index) => process.unfinished('agent', `gone ${Math.floor(index / 64)} ${index % 64}`) === 0,
    )
    // One for the message that ends processes, and one for each beside it; all from the first life.
    expect(lost).toHaveLength(4)
    expect(Math.max(...lost)).toBeLessThan(64)
    // Once in each process that had to.
    const said =
      'more is being worked at than is remembered: what was begun longest ago is forgotten'
    expect(lines).toEqual([said, said, said])
  })

  it('is counted on in a file of before, which did not say when', () => {
    writeFileSync(file, '["agent m1",2]'.padEnd(320))
    const process = open()
    expect(process.unfinished('agent', 'm1')).toBe(2)
    process.begin('agent', 'm1')
    expect(open().unfinished('agent', 'm1')).toBe(3)
  })

  it('is read from a damaged file as far as that goes', () => {
    open().begin('agent', 'm1')
    const garbage = Buffer.alloc(320 * 3 + 7, 0xff)
    garbage.write('["half a rec', 320)
    garbage.write('[1, 2]', 640)
    garbage.write('["agent m1",1]'.padEnd(320), 0)
    writeFileSync(file, garbage)
    const process = open()
    expect(process.unfinished('agent', 'm1')).toBe(1)
    process.begin('agent', 'm2')
    expect(open().unfinished('agent', 'm2')).toBe(1)
    expect(lines).toEqual([])
  })

  it('is not remembered where the file cannot be had, which is said once', () => {
    const process = open(directory)
    for (let count = 0; count < 3; count += 1) process.begin('agent', 'm1')
    process.end('agent', 'm1')
    process.close()
    expect(lines).toEqual(['what is being worked at is not remembered'])
  })
})
