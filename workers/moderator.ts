import { defineWorker } from 'parley'
import type { MessageContext, WorkerEnv, WorkerMessage } from 'parley'

const MINUTE_MS = 60_000
/** Messages that are looked through for those of one sender. */
const LOOK_BACK = 200

/** Words alone, with a space around each: what stands between them and how they are written does not matter. */
const wordsOf = (text: string): string =>
  ` ${text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()} `

/** Whether one of the words, separated by commas, is in the text. */
function saysOneOf(list: string, text: string): boolean {
  const said = wordsOf(text)
  return list
    .split(',')
    .map(wordsOf)
    .some((word) => word.trim() !== '' && said.includes(word))
}

/** Why the message has to go; undefined where it may stay. */
async function objection(message: WorkerMessage, env: WorkerEnv, ctx: MessageContext) {
  if (saysOneOf(env.MODERATOR_WORDS ?? '', message.text))
    return 'it has a word that is not used here'
  const most = Number(env.MODERATOR_PER_MINUTE ?? 0)
  if (!(most >= 1)) return undefined
  const earlier = await ctx.history({ limit: LOOK_BACK })
  const recent = earlier.filter(
    ({ senderId, createdAt }) =>
      senderId === message.senderId && createdAt > message.createdAt - MINUTE_MS,
  )
  return recent.length < most ? undefined : `${most} messages in a minute are enough`
}

/** People only, and once a minute each: an answer to every message of a flood were a second one. */
async function mayBeTold({ senderId, createdAt }: WorkerMessage, ctx: MessageContext) {
  const participants = await ctx.participants()
  if (participants.some(({ id, isAgent }) => id === senderId && isAgent)) return false
  // Also what was said behind the message: the moderator may be behind with a flood.
  const latest = await ctx.history({ limit: LOOK_BACK, before: Number.MAX_SAFE_INTEGER })
  return !latest.some(
    (one) =>
      one.senderId === ctx.agent.id &&
      one.metadata.told === senderId &&
      one.createdAt > createdAt - MINUTE_MS,
  )
}

/**
 * Removes messages of the channels that it takes part in: those with one of `MODERATOR_WORDS`, and those of a
 * sender who has said `MODERATOR_PER_MINUTE` things in the minute before. With neither set it removes nothing.
 *
 * Agents have to keep to the same rules, but it never speaks to them, so no conversation of theirs begins with
 * it. It remembers nothing: what it has to know is in the channel.
 */
export default defineWorker({
  agent: { name: 'Moderator', bio: 'Removes what is not wanted.' },
  env: 'MODERATOR_',

  async message(message, env, ctx) {
    const reason = await objection(message, env, ctx)
    if (reason === undefined) return
    const { id, senderId, senderName } = message
    await ctx.remove(id)
    ctx.log.info(
      { messageId: id, channelId: message.channelId, senderId, reason },
      'message removed',
    )
    if (!(await mayBeTold(message, ctx))) return
    const text = `${senderName}, your message was removed: ${reason}.`
    await ctx.reply({ text, metadata: { told: senderId } })
  },
})
