import { defineWorker } from 'parley'
import type { MessageContext, WorkerMessage } from 'parley'
import { answerTo } from './_chat-completions.ts'

/** How much of what was said before the model is given. */
const HISTORY = { limit: 20, maxChars: 20_000 }
/** Channels in which everything is meant for the assistant, as in elizaOS. */
const TALKS: ReadonlySet<string> = new Set(['DM', 'VOICE_DM', 'SELF', 'API'])

const words = (text: string): string =>
  ` ${text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `

/** In a talk everything; elsewhere what a person, not an agent, says with the assistant's name in it. */
async function isAsked({ senderId, text }: WorkerMessage, ctx: MessageContext): Promise<boolean> {
  if (TALKS.has(ctx.channel.type)) return true
  if (!words(text).includes(words(ctx.agent.name))) return false
  const participants = await ctx.participants()
  return !participants.some(({ id, isAgent }) => id === senderId && isAgent)
}

/** The end of the conversation, and the message in hand, for the model. */
async function conversation(message: WorkerMessage, ctx: MessageContext) {
  const turns = [{ role: 'user', content: `${message.senderName}: ${message.text}` }]
  let chars = 0
  for (const { senderId, senderName, text } of (
    await ctx.history({ limit: HISTORY.limit })
  ).toReversed()) {
    chars += text.length
    if (chars > HISTORY.maxChars) break
    if (text === '') continue
    if (senderId === ctx.agent.id) turns.unshift({ role: 'assistant', content: text })
    else turns.unshift({ role: 'user', content: `${senderName}: ${text}` })
  }
  return turns
}

let isSilenceTold = false

/** An agent that answers with a model behind any OpenAI-compatible endpoint; README.md has the settings. */
export default defineWorker({
  agent: { name: 'Assistant', bio: 'Answers with a language model.' },
  env: 'ASSISTANT_',

  async message(message, env, ctx) {
    const { ASSISTANT_URL: url = '', ASSISTANT_MODEL: model, ASSISTANT_KEY: key = '' } = env
    if (!URL.canParse(url) || !model) {
      const wanted = URL.canParse(url) ? 'ASSISTANT_MODEL' : 'ASSISTANT_URL (and ASSISTANT_MODEL)'
      const hint = `Assistant stays silent: set ${wanted}, and start the server again`
      if (!isSilenceTold) ctx.log.warn({}, hint)
      isSilenceTold = true
      return
    }
    if (message.text === '' || !(await isAsked(message, ctx))) return
    ctx.typing()
    const stream = ctx.stream()
    const prompt = env.ASSISTANT_PROMPT || `You are ${ctx.agent.name}, in a chat. Answer briefly.`
    const messages = [{ role: 'system', content: prompt }, ...(await conversation(message, ctx))]
    const question = { url, model, key, messages, signal: ctx.signal }
    for await (const text of answerTo(question)) await stream.write(text)
    await stream.end()
  },
})
