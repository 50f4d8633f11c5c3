import type { IncomingMessage } from 'node:http'
import type { MessageContext, Reply } from '../message-worker.ts'
import { wholeText } from './body.ts'
import { takeEvents } from './event-stream.ts'
import type { WebhookLimits } from './limits.ts'
import type { WebhookAnswer } from './webhook-caller.ts'
import { AgentGone, WebhookError } from './webhook-error.ts'

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
const EVENTS_TYPE = /^text\/event-stream\s*(?:;|$)/i

/** @throws WebhookError where the head says that the body is no reply. */
function checkHead({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode === 410) throw new AgentGone('answered 410: it is gone, and is stopped')
  if (statusCode >= 300 && statusCode < 400) {
    throw new WebhookError(
      `answered ${statusCode}: redirects are not followed; set the address that it leads to`,
    )
  }
  if (statusCode < 200 || statusCode >= 400) throw new WebhookError(`answered ${statusCode}`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw new WebhookError(`answered in the encoding ${encoding}`)
}

function repliesIn(text: string, maxReplies: number): readonly Reply[] {
  let value: Reply | readonly Reply[]
  try {
    // Whoever says them checks what they are.
    value = JSON.parse(text)
  } catch (error) {
    throw new WebhookError('the answer is not JSON', { cause: error })
  }
  const replies: readonly Reply[] = Array.isArray(value) ? value : [value]
  if (replies.length <= maxReplies) return replies
  throw new WebhookError(`answered ${replies.length} replies; at most ${maxReplies} are said`)
}

/**
 * Says what an agent answered: nothing where the body is empty, a reply or a list of them where it is JSON, and a
 * stream where it is one.
 *
 * @throws WebhookError; AgentGone; what `ctx` throws.
 */
export async function takeAnswer(
  answer: WebhookAnswer,
  ctx: Pick<MessageContext, 'reply' | 'stream'>,
  limits: WebhookLimits,
): Promise<void> {
  const { maxAnswerBytes, maxReplies } = limits
  const { response } = answer
  checkHead(response)
  const type = response.headers['content-type'] ?? ''
  if (EVENTS_TYPE.test(type)) {
    await takeEvents(answer, ctx, limits)
    return
  }
  const text = await wholeText(answer, maxAnswerBytes)
  if (text === '') return
  if (!JSON_TYPE.test(type)) {
    const shown = type === '' ? 'without a content type' : `with the type ${type.slice(0, 100)}`
    throw new WebhookError(`answered ${shown}: it must be JSON or an event stream`)
  }
  for (const reply of repliesIn(text, maxReplies)) await ctx.reply(reply)
}
