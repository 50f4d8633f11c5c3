import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Neighbours } from './neighbours.ts'
import { isEnginePath, sessionIdOf } from './session-id.ts'

/** Milliseconds between two looks at what is left. */
const LOOK_EVERY_MS = 10

function isOfSession({ url = '/' }: IncomingMessage): boolean {
  return isEnginePath(url) && (sessionIdOf(url) ?? '') !== ''
}

/** Knows the requests under way and the HTTP connections of clients, and leads both to their end. */
export class Traffic {
  readonly #neighbours: Neighbours
  /**
   * By connection, which takes the rest with it when it closes: a pipelined response that waits for the
   * one before it never says that it is closed.
   */
  readonly #responses = new Map<Socket, Set<ServerResponse>>()
  readonly #connections = new Set<Socket>()
  /** Those of them over which polling sessions, on whatever gateway, are reached. */
  readonly #sessionConnections = new WeakSet<Socket>()
  #isEnding = false

  constructor(neighbours: Neighbours) {
    this.#neighbours = neighbours
  }

  /** Knows the server's requests from now on; called last, so that it stands before all other listeners. */
  watchRequests(server: Server): void {
    server.prependListener('request', (request, response) => {
      const responses = this.#responsesOf(request.socket).add(response)
      if (isOfSession(request)) this.#sessionConnections.add(request.socket)
      if (this.#isEnding) this.#sayClose(response)
      response.once('close', () => {
        responses.delete(response)
      })
    })
  }

  /** Knows the server's connections from now on, until they close or become something else. */
  watchConnections(server: Server): void {
    server.on('connection', (socket) => {
      this.#connections.add(socket)
      socket.once('close', () => {
        this.#connections.delete(socket)
      })
    })
    server.prependListener('upgrade', ({ socket }) => {
      this.#connections.delete(socket)
    })
  }

  /** From now on responses say that their connection closes, and clients open another one. */
  end(): void {
    this.#isEnding = true
    for (const responses of this.#responses.values()) {
      for (const response of responses) this.#sayClose(response)
    }
  }

  /**
   * Resolves when no request is under way and no connection is left that has to stay. May never: the
   * caller bounds the wait.
   *
   * Where others go on serving, an idle connection stays until it has had its next response: closed
   * without a word, it would break the request that a client is just sending. In a stop there is
   * nobody to go to, and only those stay over which clients fetch the last of their sessions.
   */
  async ended(): Promise<void> {
    while (this.#isAnswering() || this.#mustStay()) await delay(LOOK_EVERY_MS)
  }

  #responsesOf(socket: Socket): Set<ServerResponse> {
    const known = this.#responses.get(socket)
    if (known !== undefined) return known
    const responses = new Set<ServerResponse>()
    this.#responses.set(socket, responses)
    socket.once('close', () => {
      this.#responses.delete(socket)
    })
    return responses
  }

  #isAnswering(): boolean {
    return [...this.#responses.values()].some(({ size }) => size > 0)
  }

  #mustStay(): boolean {
    if (this.#connections.size === 0) return false
    if (this.#neighbours.successor() !== undefined) return true
    if (!this.#neighbours.haveSessions()) return false
    return [...this.#connections].some((socket) => this.#sessionConnections.has(socket))
  }

  /** Not in a stop to a polling client, who could open no other connection to fetch its answers. */
  #sayClose(response: ServerResponse): void {
    if (response.headersSent) return
    const isLastWay = isOfSession(response.req) && this.#neighbours.successor() === undefined
    if (!isLastWay) response.setHeader('Connection', 'close')
  }
}
