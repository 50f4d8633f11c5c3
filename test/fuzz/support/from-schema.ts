import * as fc from 'fast-check'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { nasty, words } from './nasty.ts'
import { changePart, plain } from './written.ts'
import type { Field, Written } from './written.ts'

/** What of JSON Schema the descriptions of this server use. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
}

export type Schemas = Readonly<Record<string, JsonSchema>>

/** Few, so that what one call makes is what another one hits; in all forms that ids have. */
const IDS = [
  'fuzz-a',
  'fuzz-b',
  'fuzz-c',
  'alice',
  'bob',
  'm-1',
  'm-2',
  '550e8400-e29b-41d4-a716-446655440000',
  '550E8400-E29B-41D4-A716-446655440000',
  '00000000-0000-0000-0000-000000000000',
  'toString',
  '__proto__',
  'constructor',
  'x'.repeat(128),
] as const

/** The bounds of an id stand in the pattern of every id. */
const ID_MARK = '{1,128}'

export interface Ground {
  readonly schemas: Schemas
  /** Ids that lead somewhere in this run, beside the usual ones. */
  readonly ids: readonly string[]
}

export const idIn = ({ ids }: Ground): fc.Arbitrary<string> => fc.constantFrom(...IDS, ...ids)

function ofString(schema: JsonSchema, ground: Ground): fc.Arbitrary<Written> {
  const { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  const id = idIn(ground)
  if (pattern?.includes(ID_MARK) === true) return id.map(plain)
  const texts = fc.oneof({ weight: 3, arbitrary: words }, { weight: 1, arbitrary: id })
  return texts.map((text) => plain(text.slice(0, maxLength).padEnd(minLength, 'x')))
}

function ofNumber({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: JsonSchema) {
  const small = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 50) })
  return fc.oneof(small, fc.constantFrom(minimum, maximum)).map(plain)
}

/** Free JSON, shallow enough for everybody. */
const freeJson: fc.Arbitrary<Written> = fc
  .oneof(words, fc.integer(), fc.boolean(), fc.constant(null), fc.array(words, { maxLength: 3 }))
  .map(plain)

const freeObject: fc.Arbitrary<Written> = fc
  .array(fc.tuple(words, freeJson), { maxLength: 3 })
  .map((fields) => ({ fields }))

/** What schemas that are written in code do not say: which fields are lists. */
const LISTS: ReadonlySet<string> = new Set(['attachments'])

const SERVER = /server_?id$/i

function ofField(name: string, schema: JsonSchema, ground: Ground): fc.Arbitrary<Field> {
  const choices = schema.anyOf ?? [schema]
  const isFree = choices.some((one) => Object.keys(one).length === 0)
  const list = fc.array(freeObject, { maxLength: 3 }).map((all) => ({ list: all }))
  const free = LISTS.has(name) ? list : freeObject
  const usual = isFree ? free : ofSchema(schema, ground)
  // Only few servers exist: most calls would end at their names.
  const value = SERVER.test(name) ? fc.oneof(fc.constant(plain(DEFAULT_SERVER_ID)), usual) : usual
  return value.map((written) => [name, written])
}

function ofObject(schema: JsonSchema, ground: Ground): fc.Arbitrary<Written> {
  const { properties = {}, required = [], additionalProperties } = schema
  const named = Object.entries(properties).map(([name, inner]) =>
    // Even what must be there is missing now and then.
    fc.option(ofField(name, inner, ground), {
      nil: undefined,
      freq: required.includes(name) ? 40 : 3,
    }),
  )
  const more = fc.array(fc.tuple(words, freeJson), {
    maxLength: additionalProperties === true ? 3 : 0,
  })
  return fc.tuple(fc.tuple(...named), more).map(([fields, others]) => ({
    fields: [...fields.filter((field) => field !== undefined), ...others],
  }))
}

function ofType(type: string, schema: JsonSchema, ground: Ground): fc.Arbitrary<Written> {
  switch (type) {
    case 'string':
      return ofString(schema, ground)
    case 'integer':
    case 'number':
      return ofNumber(schema)
    case 'boolean':
      return fc.boolean().map(plain)
    case 'null':
      return fc.constant(plain(null))
    case 'array':
      return fc
        .array(ofSchema(schema.items ?? {}, ground), { maxLength: 3 })
        .map((list) => ({ list }))
    case 'object':
      return ofObject(schema, ground)
    default:
      return freeJson
  }
}

/** What a schema allows, mostly: as the client of somebody who read the description would write it. */
export function ofSchema(schema: JsonSchema, ground: Ground): fc.Arbitrary<Written> {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return ofSchema(ground.schemas[name] ?? {}, ground)
  }
  if (schema.const !== undefined) return fc.constant(plain(schema.const))
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum).map(plain)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return fc.oneof(...choices.map((one) => ofSchema(one, ground)))
  const types = [schema.type ?? []].flat()
  if (types.length === 0) return freeJson
  return fc.oneof(...types.map((type) => ofType(type, schema, ground)))
}

/** A field that is there twice, one that is not there, one that nobody asked for, or another value. */
const changes: fc.Arbitrary<(part: Written) => Written> = fc.oneof(
  { weight: 4, arbitrary: nasty.map((other) => () => other) },
  {
    weight: 2,
    arbitrary: fc.tuple(words, nasty).map(([name, value]) => withFields([[name, value]])),
  },
  {
    weight: 1,
    arbitrary: nasty.map(
      (value) => (part: Written) =>
        'fields' in part
          ? { fields: [...part.fields, ...part.fields.map(([name]): Field => [name, value])] }
          : part,
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat()
      .map(
        (at) => (part: Written) =>
          'fields' in part && part.fields.length > 0
            ? { fields: part.fields.toSpliced(at % part.fields.length, 1) }
            : part,
      ),
  },
  { weight: 1, arbitrary: fc.constant((part: Written) => ({ list: [part] })) },
)

const withFields =
  (more: readonly Field[]) =>
  (part: Written): Written =>
    'fields' in part ? { fields: [...part.fields, ...more] } : { fields: more }

/** As the schema has it, or with a part changed, or something else altogether. */
export function attempts(schema: JsonSchema, ground: Ground): fc.Arbitrary<Written> {
  const good = ofSchema(schema, ground)
  const changed = fc
    .tuple(good, fc.array(fc.tuple(fc.nat(), changes), { minLength: 1, maxLength: 2 }))
    .map(([start, all]) =>
      all.reduce((whole, [at, change]) => changePart(whole, at, change), start),
    )
  return fc.oneof(
    { weight: 6, arbitrary: good },
    { weight: 6, arbitrary: changed },
    { weight: 1, arbitrary: nasty },
  )
}
