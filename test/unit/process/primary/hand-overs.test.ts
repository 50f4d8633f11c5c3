import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HandOvers } from '../../../../src/process/primary/hand-overs.ts'
import { fakeChild } from './managed-children.ts'

const request = { method: 'GET', url: '/', rawHeaders: [], headers: {}, head: Buffer.alloc(0) }

describe('hand-overs', () => {
  let directory: string
  let server: Server

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'parley-hand-over-'))
    server = createServer().listen(join(directory, 's.sock'))
    await once(server, 'listening')
  })
  afterEach(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })

  /** Both ends of a connection; `ours` is the one that is passed on. */
  async function pair(): Promise<{ ours: Socket; client: Socket }> {
    const accepted = once(server, 'connection')
    const client = connect(join(directory, 's.sock'))
    const [ours] = (await accepted) as [Socket]
    return { ours, client }
  }

  it('leave nothing with their gateway once it has taken them', async () => {
    const { child, sent, waits, end } = fakeChild('gateway')
    const handOvers = new HandOvers()
    for (let round = 1; round <= 50; round += 1) {
      const { ours, client } = await pair()
      handOvers.pass(child, request, ours)
      expect(sent).toHaveLength(round)
      handOvers.taken(round)
      await once(client.resume(), 'close')
    }
    expect(waits()).toBe(0)
    end()
  })

  it('are answered when their gateway ends, and not before', async () => {
    const [gone, well] = [fakeChild('gateway'), fakeChild('gateway')]
    const handOvers = new HandOvers()
    const [lost, kept] = [await pair(), await pair()]
    handOvers.pass(gone.child, request, lost.ours)
    handOvers.pass(well.child, request, kept.ours)
    gone.end()
    handOvers.refuseEnded()
    expect(await text(lost.client)).toContain('Session ID unknown')
    expect(kept.ours.destroyed).toBe(false)
    handOvers.taken(2)
    expect(await text(kept.client)).toBe('')
    well.end()
  })
})
