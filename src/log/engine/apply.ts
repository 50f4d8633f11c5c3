import { ChannelError } from '../../protocol/errors.ts'
import type { Applied } from '../engine.ts'
import type { Command } from '../log.ts'
import {
  applyClear,
  applyCreateChannel,
  applyDeleteChannel,
  applyGetOrCreateDm,
  applyUpdateChannel,
} from './apply-channel.ts'
import { applyDelete, applyEdit } from './apply-message.ts'
import { applyChangeParticipants } from './apply-participants.ts'
import { applyPost } from './apply-post.ts'
import { applyCreateServer, applyDeleteServer, applyServerAgent } from './apply-server.ts'
import type { ApplyContext, Effect } from './context.ts'

/**
 * Applies one command. Every rule decides before its first write, so a refusal (a `ChannelError`)
 * leaves nothing behind; whatever else is thrown is a failure of the store and of the whole batch.
 */
export function applyCommand(context: ApplyContext, command: Command): Applied {
  try {
    return decide(context, command)
  } catch (error) {
    if (error instanceof ChannelError) return { error }
    throw error
  }
}

function decide(context: ApplyContext, command: Command): Effect {
  switch (command.type) {
    case 'post':
      return applyPost(context, command)
    case 'edit':
      return applyEdit(context, command)
    case 'delete':
      return applyDelete(context, command)
    case 'create-server':
      return applyCreateServer(context, command)
    case 'delete-server':
      return applyDeleteServer(context, command)
    case 'add-server-agent':
    case 'remove-server-agent':
      return applyServerAgent(context, command)
    default:
      return decideOnChannel(context, command)
  }
}

type ChannelCommand = Exclude<
  Command,
  {
    type:
      | 'post'
      | 'edit'
      | 'delete'
      | 'create-server'
      | 'delete-server'
      | 'add-server-agent'
      | 'remove-server-agent'
  }
>

function decideOnChannel(context: ApplyContext, command: ChannelCommand): Effect {
  switch (command.type) {
    case 'create-channel':
      return applyCreateChannel(context, command)
    case 'get-or-create-dm':
      return applyGetOrCreateDm(context, command)
    case 'update-channel':
      return applyUpdateChannel(context, command)
    case 'clear':
      return applyClear(context, command)
    case 'delete-channel':
      return applyDeleteChannel(context, command)
    case 'change-participants':
      return applyChangeParticipants(context, command)
  }
}
