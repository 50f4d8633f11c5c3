import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Bytes of a socket's path without its final zero: macOS allows 104, Linux 108. */
const MAX_SOCKET_PATH_BYTES = 103
/** The longest name that `socketPath` makes. */
const LONGEST_SOCKET_NAME = 'gateway-12345678.sock'

/** Only this user: the database holds everybody's messages, and whoever opens a socket is believed. */
const PRIVATE = 0o700

/** Makes the data directory when it is missing; answers its absolute path. */
export async function prepareDataDir(dataDir: string): Promise<string> {
  const path = resolve(dataDir)
  await mkdir(path, { recursive: true, mode: PRIVATE })
  return path
}

export interface SocketsDir {
  socketPath(name: string): string
  remove(): Promise<void>
}

/**
 * An empty, private directory for the sockets between our processes: in the data directory, or in
 * the system's temporary one where that path would be too long for a socket. Whoever holds the
 * data directory's lock calls it: what is there was left by a killed server and is removed.
 */
export async function openSocketsDir(dataDir: string): Promise<SocketsDir> {
  const inside = join(dataDir, 'sockets')
  await rm(inside, { recursive: true, force: true })
  const isTooLong = Buffer.byteLength(join(inside, LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES
  const directory = isTooLong ? await mkdtemp(join(tmpdir(), 'parley-')) : inside
  if (!isTooLong) await mkdir(directory, { mode: PRIVATE })
  return {
    socketPath: (name) => join(directory, `${name}.sock`),
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
