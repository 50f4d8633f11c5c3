import { describe, expect, it } from 'vitest'
import { Neighbours } from '../../../../src/process/gateway/neighbours.ts'

function peer(id: string, state: { takesSessions?: boolean; mayHaveSessions?: boolean } = {}) {
  const { takesSessions = true, mayHaveSessions = true } = state
  return { id, socketPath: `/${id}`, takesSessions, mayHaveSessions }
}

describe('Neighbours', () => {
  it('sends new sessions to another gateway that takes them, never to itself', () => {
    const neighbours = new Neighbours('own')
    neighbours.set([peer('own'), peer('starting', { takesSessions: false }), peer('serving')])
    expect(neighbours.successor()?.id).toBe('serving')
    expect(neighbours.find('starting')?.socketPath).toBe('/starting')
    expect(neighbours.find('own')).toBeUndefined()
  })

  it('knows of no successor in a stop, and of sessions until the last gateway has closed its own', () => {
    const neighbours = new Neighbours('own')
    const leaving = { takesSessions: false }
    neighbours.set([peer('own', leaving), peer('other', leaving)])
    expect(neighbours.successor()).toBeUndefined()
    expect(neighbours.haveSessions()).toBe(true)
    neighbours.set([peer('own', leaving), peer('other', { ...leaving, mayHaveSessions: false })])
    expect(neighbours.haveSessions()).toBe(false)
  })
})
