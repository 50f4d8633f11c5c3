import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import { ERRORS } from '../../src/protocol/errors.ts'
import { LIMITS } from '../../src/protocol/limits.ts'

const root = path.join(import.meta.dirname, '../..')
const security = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')

/** Everything in the text that looks like that, once. */
function named(pattern: RegExp): string[] {
  return [...new Set([...security.matchAll(pattern)].map(([all, part]) => part ?? all))]
}

/** The bound that the table states for something. */
function bound(what: string): string | undefined {
  const rows = security.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return rows.find((cells) => cells[1] === what)?.[2]
}

describe('SECURITY.md', () => {
  it('names settings that there are', () => {
    const settings = Object.values(SETTINGS).flatMap(({ env }): readonly string[] => env)
    const mentioned = named(/\b(?:PARLEY_\w+|CORS_ORIGIN)\b/g)
    expect(mentioned.length).toBeGreaterThan(5)
    expect(settings).toEqual(expect.arrayContaining(mentioned))
  })

  it('names errors that there are', () => {
    const words = named(/`([A-Z]+(?:_[A-Z]+)+)`/g)
    const codes = words.filter((word) => !word.startsWith('PARLEY_') && word !== 'CORS_ORIGIN')
    expect(codes.length).toBeGreaterThan(3)
    expect(Object.keys(ERRORS)).toEqual(expect.arrayContaining(codes))
  })

  it('names close codes that there are', () => {
    const codes = named(/\b4[0-3]\d\d\b/g).map(Number)
    expect(codes.length).toBeGreaterThan(1)
    expect(Object.values(CLOSE_CODES)).toEqual(expect.arrayContaining(codes))
  })

  it('states the bounds of the protocol as they are', () => {
    const { maxBodyBytes, maxFrameBytes, maxAttachments, maxParticipantsPerRequest } = LIMITS
    expect(bound('a REST body')).toBe(`${maxBodyBytes / 1_048_576} MiB`)
    const frame = `${maxFrameBytes.toLocaleString('en-US')} bytes`
    expect(bound('a WebSocket frame, a polling body')).toBe(frame)
    expect(bound('attachments of a message')).toBe(String(maxAttachments))
    const participants = maxParticipantsPerRequest.toLocaleString('en-US')
    expect(bound('participants named in one request')).toBe(participants)
  })

  it('leads to files that there are', () => {
    const links = named(/\]\(([\w./-]+\.md)/g)
    expect(links.length).toBeGreaterThan(1)
    for (const link of links) expect(readFileSync(path.join(root, link), 'utf8')).not.toBe('')
  })
})
