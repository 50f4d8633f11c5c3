import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'

const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8')

function row(setting: (typeof SETTINGS)[keyof typeof SETTINGS]): string {
  const [name, ...fallbacks] = setting.env
  const names = [`\`${name}\``, ...fallbacks.map((fallback) => `else \`${fallback}\``)].join(', ')
  const shown = setting.shown === '' ? '' : `\`${setting.shown}\``
  return `| ${names} | ${shown} | ${setting.help} |`
}

describe('the README', () => {
  it('lists every setting with its names, default and meaning, as the code has them', () => {
    const table = [
      '| variable | default | meaning |',
      '|---|---|---|',
      ...Object.values(SETTINGS).map(row),
    ].join('\n')
    const shown = /<!-- settings:begin -->\n([\s\S]*?)\n?<!-- settings:end -->/.exec(readme)?.[1]
    expect(shown).toBe(table)
  })
})
