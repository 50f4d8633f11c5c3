import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { eventually } from '../cluster/support/eventually.ts'
import { restUntilAnswered } from '../cluster/support/rest.ts'
import { HOOK_SECRET } from './hook.ts'
import { AGENT_NAMES } from './workers/manners.ts'
import type { AgentName } from './workers/manners.ts'

/** Who takes part in each of the rooms with agents. */
const TALK_ROOMS: readonly (readonly AgentName[])[] = [
  ['Echo', 'Teller', 'Flaky', 'Mute', 'Hook'],
  ['Teller', 'Echo'],
  ['Hook', 'Teller', 'Mute'],
]

/** Past it a run of a handler has failed: more than the longest stream takes, less than a process may be stopped. */
const AGENT_TIMEOUT_MS = 6_000

type Lines = readonly Readonly<Record<string, unknown>>[]

export interface TalkRoom {
  readonly channelId: string
  readonly agents: readonly AgentName[]
}

export const talkRooms: readonly TalkRoom[] = TALK_ROOMS.map((agents, index) => ({
  channelId: `talk-${index}`,
  agents,
}))

export const talkChannels: readonly string[] = talkRooms.map(({ channelId }) => channelId)

/** Writes the folder of the agents that are modules, which run the code beside this file. */
export async function writeWorkers(folder: string): Promise<void> {
  await mkdir(folder)
  // Compiled, or as it is written.
  const ending = path.extname(import.meta.url)
  const { href } = new URL(`./workers/performer${ending}`, import.meta.url)
  for (const name of AGENT_NAMES.filter((each) => each !== 'Hook')) {
    const source = `import { createWorker } from '${href}'\nexport default createWorker('${name}')\n`
    await writeFile(path.join(folder, `${name.toLowerCase()}.js`), source)
  }
}

/** What a server with these agents is started with. */
export function agentSettings(hookUrl: string): Readonly<Record<string, string>> {
  return {
    PARLEY_AGENTS: JSON.stringify([{ name: 'Hook', url: hookUrl, secret: HOOK_SECRET }]),
    PARLEY_WEBHOOK_ALLOW: '127.0.0.1/32',
    PARLEY_AGENT_TIMEOUT_MS: String(AGENT_TIMEOUT_MS),
    // They hear each other, and do not answer: else each question would be without an end.
    PARLEY_MAX_AGENT_TURNS: '0',
  }
}

/**
 * Makes the rooms, with their agents in them; resolves when all of them are at work, since an agent does not answer what
 * was said before it was there.
 *
 * @param lines of the server's log, as they come.
 */
export async function openTalkRooms(url: string, lines: Lines): Promise<void> {
  await createTalkRooms(url)
  await eventually(
    () => lines.filter(({ msg }) => msg === 'inbox opened').length >= AGENT_NAMES.length,
    { what: 'the inboxes of all agents' },
  )
}

async function createTalkRooms(url: string): Promise<void> {
  for (const { channelId, agents } of talkRooms) {
    const { status, text } = await restUntilAnswered(url, {
      method: 'POST',
      path: '/api/messaging/channels',
      body: {
        id: channelId,
        name: channelId,
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: agents.map(agentIdOf),
      },
    })
    if (status !== 201) throw new Error(`room ${channelId} not created: ${status} ${text}`)
  }
}
