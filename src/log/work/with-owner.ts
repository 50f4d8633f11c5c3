import type { Command } from '../commands.ts'

/** The command, with the process that it came from where that matters. */
export function withOwner(command: Command, owner: string): Command {
  return command.type === 'open-stream' ? { ...command, owner } : command
}
