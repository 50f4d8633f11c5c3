import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { SOCKET_MESSAGE_TYPE } from './words.ts'

/**
 * The classes of the page's "Best Practices" and "Security Considerations", typed in as shown. What
 * the page leaves out (`joinChannel`, `generateMessageId`, the list of channels) is the least that
 * makes them run.
 */

export class WebSocketManager {
  readonly socket: Socket
  readonly joinedChannels: string[] = []

  constructor(serverUrl: string) {
    this.socket = io(serverUrl, { forceNew: true, reconnectionDelay: 50 })
    this.setupEventHandlers()
  }

  setupEventHandlers(): void {
    this.socket.on('connect', () => {
      this.rejoinChannels()
    })
    this.socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') {
        this.socket.connect()
      }
    })
  }

  rejoinChannels(): void {
    this.joinedChannels.forEach((channel) => {
      this.joinChannel(channel)
    })
  }

  joinChannel(channelId: string): void {
    this.socket.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, { channelId })
  }
}

interface QueuedMessage {
  messageId?: string
  readonly channelId: string
  readonly senderId: string
  readonly message: string
}

interface Pending {
  readonly message: QueuedMessage
  readonly timestamp: number
  readonly timeout: NodeJS.Timeout
}

export class MessageQueue {
  readonly socket: Socket
  readonly pendingMessages = new Map<string, Pending>()
  readonly messageTimeout = 30_000
  readonly timedOut: string[] = []
  #made = 0

  constructor(socket: Socket) {
    this.socket = socket
    this.socket.on('messageAck', (ack: { clientMessageId: string }) => {
      this.handleAcknowledgment(ack)
    })
  }

  generateMessageId(): string {
    this.#made += 1
    return `queued-${this.#made}`
  }

  sendMessage(message: QueuedMessage): void {
    const messageId = this.generateMessageId()
    message.messageId = messageId
    this.pendingMessages.set(messageId, {
      message,
      timestamp: Date.now(),
      timeout: setTimeout(() => {
        this.handleTimeout(messageId)
      }, this.messageTimeout),
    })
    this.socket.emit(SOCKET_MESSAGE_TYPE.SEND_MESSAGE, message)
  }

  handleAcknowledgment(ack: { readonly clientMessageId: string }): void {
    const pending = this.pendingMessages.get(ack.clientMessageId)
    if (pending) {
      clearTimeout(pending.timeout)
      this.pendingMessages.delete(ack.clientMessageId)
    }
  }

  handleTimeout(messageId: string): void {
    const pending = this.pendingMessages.get(messageId)
    if (pending) {
      this.timedOut.push(messageId)
      this.pendingMessages.delete(messageId)
    }
  }
}

export class TypingIndicator {
  readonly socket: Socket
  typingTimeout: NodeJS.Timeout | undefined
  readonly typingDelay: number

  /** The page's delay is three seconds; a test that waits for it takes less. */
  constructor(socket: Socket, typingDelay = 3_000) {
    this.socket = socket
    this.typingDelay = typingDelay
  }

  startTyping(channelId: string): void {
    this.socket.emit('typing_start', { channelId })
    clearTimeout(this.typingTimeout)
    this.typingTimeout = setTimeout(() => {
      this.stopTyping(channelId)
    }, this.typingDelay)
  }

  stopTyping(channelId: string): void {
    this.socket.emit('typing_stop', { channelId })
    clearTimeout(this.typingTimeout)
  }
}

export class RateLimiter {
  requests: number[] = []
  readonly maxRequests: number
  readonly windowMs: number

  constructor(maxRequests = 10, windowMs = 60_000) {
    this.maxRequests = maxRequests
    this.windowMs = windowMs
  }

  canMakeRequest(): boolean {
    const now = Date.now()
    this.requests = this.requests.filter((time) => now - time < this.windowMs)
    if (this.requests.length >= this.maxRequests) {
      return false
    }
    this.requests.push(now)
    return true
  }
}
