import * as fc from 'fast-check'
import { plain } from './written.ts'
import type { Written } from './written.ts'

/** Texts that something on the way may take for more than text. */
const TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\uD800',
  'x\uDC00y\uD83D',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  'true',
  '.',
  '..',
  '../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%',
  '%00',
  '%ff%fe',
  '%C0%AE%C0%AE%2f',
  "' OR 1=1 --",
  '"); DROP TABLE entries; --',
  '${7*7}{{7*7}}<%= 7*7 %>',
  '<script>alert(1)</script>',
  '\r\nSet-Cookie: hostile=1\r\n\r\n',
  '\u001B[2J\u001B[31mred',
  '\n{"level":60,"time":0,"msg":"forged"}\n',
  'c:fuzz-a',
  '\uFEFF',
  '\u202Egnirts',
  'e\u0301\u0327',
  '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}',
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(10_000),
  '\u{1F600}'.repeat(16_384),
] as const

/** Far above every bound of one field, below those of frames and bodies. */
const HUGE = 'h'.repeat(600_000)

const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '0.1',
  '1e5',
  '1e-400',
  '1e309',
  '-1e309',
  '2147483648',
  '-2147483649',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '99999999999999999999999999999999',
] as const

/** No JSON at all, or no UTF-8. */
const BROKEN = [
  'NaN',
  'Infinity',
  '-',
  '00',
  '0x10',
  'undefined',
  "'single'",
  '"cut',
  '{"a":',
  '[1,]',
  '{"a":1,}',
  '"\u0001"',
  '"\\x41"',
  '"\\ud800"',
  // Bytes: never UTF-8, overlong, a surrogate, cut in the middle.
  '"\xFF\xFE"',
  '"\xC0\xAF"',
  '"\xED\xA0\x80"',
  '"\xE2\x82"',
  '\xEF\xBB\xBF{}',
  '\x00',
] as const

const nest = (open: string, close: string, levels: number): Written => ({
  bytes: `${open.repeat(levels)}1${close.repeat(levels)}`,
})

const DEEP: readonly Written[] = [
  ...[16, 17, 1_000, 20_000].map((levels) => nest('[', ']', levels)),
  ...[16, 17, 1_000, 20_000].map((levels) => nest('{"a":', '}', levels)),
  nest('{"__proto__":', '}', 12),
]

/** Objects whose keys mean something to the language. */
const PROTOTYPES: readonly Written[] = [
  { fields: [['__proto__', plain({ isAdmin: true, role: 'admin', toString: 1 })]] },
  { fields: [['constructor', plain({ prototype: { role: 'admin' } })]] },
  {
    fields: [
      ['__proto__', plain(null)],
      ['then', plain(1)],
      ['toJSON', plain('x')],
      ['length', plain(-1)],
    ],
  },
  {
    fields: [
      ['valueOf', plain(1)],
      ['toString', plain(null)],
      ['hasOwnProperty', plain(1)],
    ],
  },
  // How Socket.IO marks the place of binary data.
  {
    fields: [
      ['_placeholder', plain(true)],
      ['num', plain(0)],
    ],
  },
  {
    fields: [
      ['_placeholder', plain(true)],
      ['num', plain(-1)],
    ],
  },
]

const raw = (...all: readonly string[]): fc.Arbitrary<Written> =>
  fc.constantFrom(...all.map((bytes) => ({ bytes })))

/** Texts at the edges, and any others. */
export const words: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
)

/** Anything in the place of anything. */
export const nasty: fc.Arbitrary<Written> = fc.oneof(
  { weight: 8, arbitrary: words.map(plain) },
  { weight: 6, arbitrary: raw(...NUMBERS) },
  { weight: 3, arbitrary: raw('true', 'false', 'null') },
  { weight: 4, arbitrary: fc.constantFrom(...PROTOTYPES) },
  { weight: 3, arbitrary: fc.constantFrom(...DEEP) },
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }).map(plain) },
  { weight: 2, arbitrary: raw(...BROKEN) },
  { weight: 1, arbitrary: raw('[]', '{}', '[[],{}]', `[${'0,'.repeat(5_000)}0]`) },
  { weight: 1, arbitrary: fc.constant(plain(HUGE)) },
)
