import { toStringMethod } from 'fast-check'
import { z } from 'zod'
import type { JsonSchema, Schemas } from './from-schema.ts'

interface Media {
  readonly schema?: JsonSchema
}

interface Response {
  readonly content?: Readonly<Record<string, Media>>
}

interface Described {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly schema: JsonSchema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Response>>
}

/** One route of the running server, as its own description has it. */
export interface Operation {
  readonly method: string
  /** With its parameters in braces. */
  readonly path: string
  readonly parameters: NonNullable<Described['parameters']>
  readonly body: JsonSchema | undefined
  readonly responses: Readonly<Record<string, Response>>
}

export interface Api {
  readonly operations: readonly Operation[]
  readonly schemas: Schemas
}

/** The envelopes of refusals: one for each family of routes, and two that come from in front of them. */
const ENVELOPES = ['MessagingError', 'AgentError', 'SystemError', 'KeyError', 'ContentTypeError']

/** Reads what the running server says of itself. */
export async function readApi(url: string): Promise<Api> {
  const response = await fetch(`${url}/openapi.json`)
  const document = (await response.json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
    readonly components: { readonly schemas: Schemas }
  }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      method: method.toUpperCase(),
      path,
      parameters: one.parameters ?? [],
      body: one.requestBody?.content['application/json']?.schema,
      responses: one.responses,
      // In a failure's report.
      [toStringMethod]: () => `${method} ${path}`,
    })),
  )
  return { operations, schemas: document.components.schemas }
}

interface Asked {
  readonly method: string
  readonly target: string
}

/** True when the route may be what the target leads to, once dots in it are resolved as in every URL. */
function isAt({ method, path }: Operation, asked: Asked): boolean {
  if (method !== asked.method) return false
  const there = new URL(asked.target, 'http://localhost').pathname.split('/')
  const parts = path.split('/')
  return (
    parts.length === there.length &&
    parts.every((part, index) => part.startsWith('{') || part === there[index])
  )
}

/** Says whether an answer is one of those that the description promises. */
export class Promises {
  readonly #schemas: Schemas
  readonly #operations: readonly Operation[]
  readonly #known = new Map<JsonSchema, z.ZodType>()

  constructor({ schemas, operations }: Api) {
    this.#schemas = schemas
    this.#operations = operations
  }

  /** What is wrong with the body of an answer, undefined when nothing is. */
  fault(asked: Asked, status: number, body: unknown): string | undefined {
    // What is refused before a route is found has an envelope, too.
    if (status >= 400 && this.#isRefusal(body)) return undefined
    const faults = this.#operations
      .filter((operation) => isAt(operation, asked))
      .map(({ responses }) => responses[String(status)]?.content?.['application/json']?.schema)
      .map((schema) => (schema === undefined ? 'not described' : this.#mismatch(schema, body)))
    if (faults.includes(undefined)) return undefined
    return `status ${status}: ${faults[0] ?? 'no route is there'}`
  }

  #isRefusal(body: unknown): boolean {
    return ENVELOPES.some((name) => this.#mismatch(this.#schemas[name] ?? {}, body) === undefined)
  }

  #mismatch(schema: JsonSchema, body: unknown): string | undefined {
    const { success, error } = this.#compiled(schema).safeParse(body)
    return success ? undefined : z.prettifyError(error)
  }

  #compiled(schema: JsonSchema): z.ZodType {
    const known = this.#known.get(schema)
    if (known !== undefined) return known
    const text = JSON.stringify({ ...schema, $defs: this.#schemas })
    const compiled = z.fromJSONSchema(
      JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')),
    )
    this.#known.set(schema, compiled)
    return compiled
  }
}
