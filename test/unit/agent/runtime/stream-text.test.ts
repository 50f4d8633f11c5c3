import { expect, it } from 'vitest'
import { StreamText } from '../../../../src/agent/runtime/stream-text.ts'
import type { Piece } from '../../../../src/agent/runtime/stream-text.ts'

const ROOM = 1_000_000

function takeAll(text: StreamText): readonly Piece[] {
  const pieces: Piece[] = []
  for (let piece = text.take(); piece !== undefined; piece = text.take()) pieces.push(piece)
  return pieces
}

it('joins what waits into one piece, and numbers pieces without a gap', () => {
  const text = new StreamText(ROOM)
  text.add('one ')
  text.add('two ')
  expect(text.take()).toEqual({ index: 0, offset: 0, chunk: 'one two ' })
  expect(text.take()).toBeUndefined()
  text.add('three')
  expect(text.take()).toEqual({ index: 1, offset: 8, chunk: 'three' })
  expect(text.text).toBe('one two three')
})

it('cuts what is too much for one piece, and no character in half', () => {
  const text = new StreamText(ROOM)
  const said = `x${'🦜'.repeat(50_000)}`
  text.add(said)
  const pieces = takeAll(text)
  expect(pieces.length).toBeGreaterThan(1)
  let offset = 0
  for (const [index, piece] of pieces.entries()) {
    expect(piece).toMatchObject({ index, offset })
    expect(piece.chunk).not.toMatch(/\p{Surrogate}/u)
    offset += piece.chunk.length
  }
  expect(pieces.map(({ chunk }) => chunk).join('')).toBe(said)
})

it('keeps half a character back until its other half comes, so that what is shown is what is stored', () => {
  const text = new StreamText(ROOM)
  const [high = '', low = ''] = '🦜'.split('')
  text.add(`a${high}`)
  expect(text.take()?.chunk).toBe('a')
  text.add(`${low}b`)
  expect(text.take()?.chunk).toBe('🦜b')
  text.add(`${low}c`)
  text.add(high)
  expect(text.take()?.chunk).toBe('\uFFFDc')
  expect(text.isWaiting).toBe(false)
  text.close()
  expect(text.take()?.chunk).toBe('\uFFFD')
  expect(text.text).toBe('a🦜b\uFFFDc\uFFFD')
})

it('takes as many bytes as a message may have, and nothing of what is too much', () => {
  const text = new StreamText(10)
  text.add('12345')
  expect(() => {
    text.add('äöü')
  }).toThrow(new TypeError('stream: the text is too large: a message has at most 10 bytes'))
  text.add('äö')
  text.add('6')
  expect(() => {
    text.add('7')
  }).toThrow(TypeError)
  text.close()
  expect(text.text).toBe('12345äö6')
})

it('counts half a character as what may stand for it in the end', () => {
  const text = new StreamText(3)
  text.add('\ud83e')
  text.close()
  expect(text.text).toBe('\uFFFD')
  expect(() => {
    new StreamText(2).add('\ud83e')
  }).toThrow(TypeError)
})
