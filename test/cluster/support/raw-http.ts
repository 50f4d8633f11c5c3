import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface RawAnswer {
  /** Of each response that came. */
  readonly statuses: readonly number[]
  /** Everything that came, a character for each byte. */
  readonly text: string
}

/** Writes bytes, a character for each, and resolves with all that comes until the server ends the connection. */
export async function exchange(port: number, bytes: string): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  return answersOf(socket, bytes)
}

/** The same over a connection that is open already. */
export async function answersOf(socket: Socket, bytes: string): Promise<RawAnswer> {
  socket.setEncoding('latin1')
  socket.write(Buffer.from(bytes, 'latin1'))
  const all = await text(socket).catch((error: unknown) => {
    // Refused so early that the rest of the request met a closed connection.
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return ''
    throw error
  })
  const statuses = [...all.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  return { statuses, text: all }
}

/** The head of a request that ends its connection, without a Host unless `headers` has one. */
export function head(line: string, headers: readonly string[]): string {
  return `${[line, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`
}
