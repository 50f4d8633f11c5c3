import cluster from 'node:cluster'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { createAdapter } from '@socket.io/cluster-adapter'
import sticky from '@socket.io/sticky'
import Database from 'better-sqlite3'
import { Server } from 'socket.io'
import type { Socket } from 'socket.io'
import { runStickyPrimary } from './sticky-primary.ts'

/**
 * What a user would write instead of Parley: Socket.IO as its documentation sets it up for a cluster
 * (sticky sessions and the cluster adapter), each message inserted into one shared SQLite file (WAL,
 * NORMAL: a power cut may lose acknowledged messages). Speaks enough of the elizaOS wire for the load.
 *
 * Usage: node peer.js <port> <processes>
 */

interface JoinPayload {
  readonly channelId: string
}

interface SendPayload extends JoinPayload {
  readonly senderId: string
  readonly senderName?: string
  readonly message: string
  readonly messageServerId?: string
  readonly messageId?: string
  readonly source?: string
}

function createDatabase(file: string): void {
  const db = new Database(file)
  db.pragma('journal_mode=WAL')
  db.exec(`
    create table channel(id text primary key, name text);
    create table message(
      id text primary key, channel_id text, sender_id text, text text, created_at integer
    );
    create index m on message(channel_id, created_at)
  `)
  db.close()
}

function runWorker(file: string): void {
  const server = http.createServer()
  const io = new Server(server, { perMessageDeflate: false })
  io.adapter(createAdapter())
  sticky.setupWorker(io)
  const db = new Database(file, { timeout: 10_000 })
  db.pragma('synchronous=NORMAL')
  const insert = db.prepare('insert into message values(?,?,?,?,?)')

  io.on('connection', (socket: Socket) => {
    socket.emit('connection_established', { message: 'ok', socketId: socket.id })
    socket.on('1', ({ channelId }: JoinPayload) => {
      void socket.join(channelId)
      socket.emit('channel_joined', { channelId, roomId: channelId })
    })
    socket.on('2', (payload: SendPayload) => {
      const message = {
        id: randomUUID(),
        senderId: payload.senderId,
        senderName: payload.senderName ?? 'User',
        text: payload.message,
        channelId: payload.channelId,
        roomId: payload.channelId,
        messageServerId: payload.messageServerId,
        createdAt: Date.now(),
        source: payload.source ?? 'socketio_client',
      }
      insert.run(message.id, message.channelId, message.senderId, message.text, message.createdAt)
      socket.to(message.channelId).emit('messageBroadcast', message)
      socket.emit('messageBroadcast', { ...message, clientMessageId: payload.messageId })
      socket.emit('messageAck', {
        clientMessageId: payload.messageId,
        messageId: message.id,
        status: 'received_by_server_and_processing',
        channelId: message.channelId,
        roomId: message.channelId,
      })
    })
  })
}

if (cluster.isPrimary) runStickyPrimary(createDatabase)
else runWorker(process.env['PEER_DB'] ?? '')
