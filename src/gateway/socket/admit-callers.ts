import type { Server, Socket } from 'socket.io'
import { toChannelError } from '../../protocol/errors.ts'
import type { ChannelError, ErrorCode } from '../../protocol/errors.ts'
import { TEXTS } from '../../protocol/wire.ts'
import type { Caller } from '../../service/caller.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { compact } from '../../util/compact.ts'
import type { Identity } from '../identity/identity.ts'
import { admitConnection } from '../limits/admit-connection.ts'
import type { Limits } from '../limits/limits.ts'

/** elizaOS's words: clients match on them. What else there is to know stands in `data`. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  TOKEN_INVALID: TEXTS.tokenInvalid,
  TOKEN_EXPIRED: TEXTS.tokenInvalid,
  AUTH_UNAVAILABLE: TEXTS.authenticationFailed,
  INTERNAL: TEXTS.authenticationFailed,
}

/** What the client gets as `connect_error`: elizaOS's words, and `data: { code, retryable, retryAfter? }`. */
function connectError(refusal: ChannelError): Error {
  const { code, message, retryable, retryAfterSeconds: retryAfter } = refusal
  return Object.assign(new Error(WORDS[code] ?? message), {
    data: compact({ code, retryable, retryAfter }),
  })
}

interface Admission {
  readonly identity: Identity
  readonly limits: Limits
  readonly logger: Logger
}

/**
 * Lets nobody connect who has not proved who they are, and tells who did.
 *
 * What goes wrong in the proof is refused in fixed words: no reason leaves the process.
 */
export function admitCallers(
  io: Server,
  { identity, limits, logger }: Admission,
): (socket: Socket) => Caller {
  const callers = new WeakMap<Socket, Caller>()
  const refusalOf = async (socket: Socket): Promise<Error | undefined> => {
    try {
      const { auth, headers } = socket.handshake
      const identify = () => identity.callerOfHandshake(auth, headers)
      callers.set(socket, await admitConnection(limits, socket, identify))
      return undefined
    } catch (error) {
      const refusal = toChannelError(error)
      if (refusal.code === 'INTERNAL') logger.error({ err: error }, 'handshake failed')
      return connectError(refusal)
    }
  }
  const answer = async (socket: Socket, next: (refusal?: Error) => void): Promise<void> => {
    next(await refusalOf(socket))
  }
  io.use((socket, next) => {
    void answer(socket, next)
  })
  return (socket) => {
    const caller = callers.get(socket)
    if (caller === undefined) throw new Error('a socket connected that was not admitted')
    return caller
  }
}
