import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Neighbours } from '../../src/process/gateway/neighbours.ts'
import { Traffic } from '../../src/process/gateway/traffic.ts'

describe('the traffic of a gateway', () => {
  it('ends when a client goes away whose requests waited behind each other', async () => {
    const waiting: ServerResponse[] = []
    const server = createServer((_request, response) => {
      waiting.push(response)
      if (waiting.length === 3) server.emit('all here')
    })
    const traffic = new Traffic(new Neighbours('this'))
    traffic.watchRequests(server)
    traffic.watchConnections(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const client = connect(port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3))
    await once(server, 'all here')
    client.destroy()
    traffic.end()
    await traffic.ended()
    // Only the first had the connection; those behind it may never hear that it is gone.
    expect(waiting).toHaveLength(3)
    server.close()
  })
})
