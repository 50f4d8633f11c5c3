import { ChannelError } from '../../protocol/errors.ts'
import type { Applied } from '../engine.ts'
import type { Command } from '../log.ts'
import {
  applyCreateAgent,
  applyDeleteAgent,
  applyStartAgent,
  applyStopAgent,
  applyUpdateAgent,
} from './apply-agents.ts'
import {
  applyClear,
  applyCreateChannel,
  applyDeleteChannel,
  applyGetOrCreateDm,
  applyUpdateChannel,
} from './apply-channel.ts'
import {
  applyDiscardFailure,
  applyOpenInbox,
  applyPassOver,
  applyRetryFailure,
  applySettle,
} from './apply-inbox.ts'
import { applyDelete, applyEdit } from './apply-message.ts'
import { applyChangeParticipants } from './apply-participants.ts'
import { applyPost } from './apply-post.ts'
import { applyCreateServer, applyDeleteServer, applyServerAgent } from './apply-server.ts'
import {
  applyCancelStream,
  applyCheckpointStreams,
  applyEndStream,
  applyOpenStream,
} from './apply-stream.ts'
import type { ApplyContext, Effect } from './context.ts'

/**
 * Applies one command. Every rule decides before its first write, so a refusal (a `ChannelError`)
 * leaves nothing behind; whatever else is thrown is a failure of the store and of the whole batch.
 */
export function applyCommand(context: ApplyContext, command: Command): Applied {
  try {
    return decide(context, command.type, command)
  } catch (error) {
    if (error instanceof ChannelError) return { error }
    throw error
  }
}

type Type = Command['type']

type Rules = {
  readonly [T in Type]: (context: ApplyContext, command: Command & { readonly type: T }) => Effect
}

const RULES: Rules = {
  post: applyPost,
  edit: applyEdit,
  delete: applyDelete,
  clear: applyClear,
  'create-channel': applyCreateChannel,
  'get-or-create-dm': applyGetOrCreateDm,
  'update-channel': applyUpdateChannel,
  'delete-channel': applyDeleteChannel,
  'change-participants': applyChangeParticipants,
  'create-server': applyCreateServer,
  'delete-server': applyDeleteServer,
  'add-server-agent': applyServerAgent,
  'remove-server-agent': applyServerAgent,
  'open-inbox': applyOpenInbox,
  settle: applySettle,
  'pass-over': applyPassOver,
  'retry-failure': applyRetryFailure,
  'discard-failure': applyDiscardFailure,
  'create-agent': applyCreateAgent,
  'update-agent': applyUpdateAgent,
  'delete-agent': applyDeleteAgent,
  'start-agent': applyStartAgent,
  'stop-agent': applyStopAgent,
  'open-stream': applyOpenStream,
  'end-stream': applyEndStream,
  'cancel-stream': applyCancelStream,
  'checkpoint-streams': applyCheckpointStreams,
}

function decide<T extends Type>(
  context: ApplyContext,
  type: T,
  command: Command & { readonly type: T },
): Effect {
  return RULES[type](context, command)
}
