import type { Promises } from './api.ts'
import { leakIn } from './leaks.ts'
import type { RestAnswer, RestCall } from './rest-calls.ts'

/** Answers that say "not now": a full queue, a writer that is being replaced, a full disk, keys that cannot be had. */
const NOT_NOW: ReadonlySet<number> = new Set([503, 507])
/** Answered in front of every route: by the parser, without a body, and for what is too long. */
const PARSER_STATUSES: ReadonlySet<number> = new Set([400, 408, 414, 431])
/** Log lines are for whoever runs the server, and say what happened inside. */
const LOG_PATH = '/api/server/logs'

const isJson = ({ headers }: RestAnswer): boolean =>
  /^application\/json(?:; charset=utf-8)?$/.test(headers['content-type'] ?? '')

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    // Told apart from every answer by what no JSON is.
    return undefined
  }
}

function otherFault({ operation }: RestCall, { status, headers }: RestAnswer): string | undefined {
  const type = headers['content-type'] ?? 'no type'
  const described = operation.responses[String(status)]?.content ?? {}
  return type in described ? undefined : `${type} is not described`
}

const isInFront = ({ status, text }: RestAnswer): boolean =>
  status === 414 || (text === '' && PARSER_STATUSES.has(status))

/** True where HTTP allows no body, or the parser answers before anybody knows what was asked. */
function isBare({ method }: RestCall, { status, text }: RestAnswer): boolean {
  if (method === 'HEAD' || status === 204 || status === 302) return true
  return text === '' && PARSER_STATUSES.has(status)
}

function bodyFault(call: RestCall, answer: RestAnswer, promises: Promises): string | undefined {
  const { status, text } = answer
  if (isBare(call, answer)) return text === '' ? undefined : 'a body where none belongs'
  if (!isJson(answer)) return otherFault(call, answer)
  const body = parsed(text)
  if (body === undefined) return 'no JSON'
  return promises.fault(call, status, body)
}

/** What is wrong with an answer, whatever was asked; undefined when nothing is. */
export function restFault(
  call: RestCall,
  answer: RestAnswer,
  { promises, planted }: { readonly promises: Promises; readonly planted: readonly string[] },
): string | undefined {
  const { status, headers, text } = answer
  if (status >= 500 && !NOT_NOW.has(status)) return 'a fault of the server'
  if (headers['set-cookie'] !== undefined) return 'a header that the client made'
  if (!isInFront(answer) && headers['x-content-type-options'] !== 'nosniff')
    return 'no security headers'
  // The page's own code and the description name errors, and nothing of what is stored.
  const isAsset = call.operation.path.startsWith('/docs') || call.operation.path === '/openapi.json'
  const isLog = call.operation.path === LOG_PATH
  const leak = leakIn(isAsset || isLog ? '' : text, planted)
  return leak ?? bodyFault(call, answer, promises)
}
