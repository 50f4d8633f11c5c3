import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { workerFolder, workersAt } from './support/worker-folder.ts'
import type { WorkerFolder, WorkerRow } from './support/worker-folder.ts'

const README = path.join(import.meta.dirname, '../../workers/README.md')

/** The first module of the page. */
async function documented(): Promise<string> {
  const page = await readFile(README, 'utf8')
  return /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
}

const GOOD = {
  // As it would be deployed to Cloudflare: knows nothing of this server.
  'plain.js': `
    export default {
      async fetch(request, env, ctx) {
        ctx.waitUntil(Promise.resolve().then(() => console.log('waited until', env)))
        ctx.passThroughOnException()
        const { pathname } = new URL(request.url)
        return new Response('plain ' + pathname, { status: 201, headers: { 'x-plain': 'yes' } })
      },
    }`,
  'support.ts': `
    import { defineWorker, WorkerModule } from 'parley'
    import { greet } from './lib/greet.js'
    import { who } from './lib/who'
    enum Tone { Flat, Warm }
    class Teller { constructor(private readonly words: string) {} tell() { return this.words } }
    const module: WorkerModule = defineWorker({
      agent: { name: 'Support', bio: 'Knows the manual.' },
      env: 'SUPPORT_',
      fetch: (_request, env) =>
        Response.json({
          said: new Teller(greet(who)).tell(),
          tone: Tone.Warm,
          env,
          isFrozen: Object.isFrozen(env),
          process: Object.keys(process.env),
        }),
    })
    export default module`,
  'lib/greet.ts': `export const greet = (who: string): string => 'hello ' + who`,
  'lib/who.ts': `export const who: string = 'there'`,
  'lib/package.json': `{"type": "commonjs"}`,
  '_helper.ts': `export default 'not a worker'`,
  '.hidden.ts': `export default 'not a worker'`,
  'env.d.ts': `declare const nothing: unknown`,
  'notes.md': `not a worker`,
}

const BAD = {
  'bad-syntax.ts': `const a: number = 1\n\nexport default {{\n`,
  'bad-syntax-js.js': `const a = 1\n\nexport default {{\n`,
  'bad-import.ts': `import { x } from './nowhere.ts'\nexport default { fetch: () => new Response(x) }\n`,
  'bad-package.mjs': `import x from 'no-such-package'\nexport default { fetch: () => new Response(x) }\n`,
  'bad-name.ts': `import { nix } from './lib/greet.ts'\nexport default { fetch: () => new Response(nix) }\n`,
  'Bad_File.ts': `export default { fetch: () => new Response('') }\n`,
  'hangs.ts': `await new Promise(() => undefined)\nexport default { fetch: () => new Response('') }\n`,
  'throws.ts': `interface X { a: 1 }\n\nthrow new TypeError('thrown at the top')\n`,
  'throws-text.js': `throw 'just words'\n`,
  'no-default.js': `export const fetch = () => new Response('')\n`,
  'no-object.js': `export default () => new Response('')\n`,
  'no-handler.js': `export default { email() {} }\n`,
  'shape.js': `export default { agent: { id: '..' }, env: 'PARLEY_', cron: ['* * * * *', 'never'], fetch: 3 }\n`,
  'twin.ts': `export default { agent: { name: 'support' }, fetch: () => new Response('') }\n`,
  'zz-same-id.ts': `export default { agent: { name: 'Other', id: 'A' }, fetch: () => new Response('') }\n`,
  'zy-first-id.ts': `export default { agent: { name: 'First', id: 'A' }, fetch: () => new Response('first') }\n`,
  'plain.mjs': `export default { fetch: () => new Response('') }\n`,
  'exits.ts': `process.exit(7)\n`,
}

async function isWell({ url }: TestServer): Promise<boolean> {
  const response = await fetch(`${url}/readyz`)
  const { problems } = (await response.json()) as { readonly problems: readonly string[] }
  return problems.length === 0
}

describe('the modules of the workers folder', () => {
  let folder: WorkerFolder
  let server: TestServer
  let rows: ReadonlyMap<string, WorkerRow>

  beforeAll(async () => {
    folder = await workerFolder({ ...GOOD, ...BAD, 'documented.ts': await documented() })
    server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '1',
      PARLEY_AGENT_HOSTS: '2',
      SUPPORT_URL: 'http://support.example',
      SUPPORTED: 'no',
      ELIZA_TEST: 'for nobody',
    })
    // What ended the first processes is known by the second.
    await eventually(async () => (await server.pids('agent-host')).length === 2 && isWell(server), {
      what: 'two agent hosts that serve',
    })
    const list = await workersAt(server.url)
    rows = new Map(list.map((row) => [row.file, row]))
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const problem = (file: string): string => rows.get(file)?.problem ?? `${file} has no problem`

  it('serve where they are well, in TypeScript and JavaScript, whatever others are like', async () => {
    const plain = await fetch(`${server.url}/workers/plain/some/where`)
    expect([plain.status, plain.headers.get('x-plain')]).toEqual([201, 'yes'])
    expect(await plain.text()).toBe('plain /workers/plain/some/where')
    const support = await fetch(`${server.url}/workers/support`)
    expect(await support.json()).toMatchObject({ said: 'hello there', tone: 1 })
    expect(rows.get('support.ts')).toEqual({
      name: 'support',
      file: 'support.ts',
      agent: {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
        name: 'Support',
        bio: 'Knows the manual.',
      },
      handlers: ['fetch'],
    })
    const listed = await fetch(`${server.url}/api/agents`)
    expect(await listed.json()).toMatchObject({
      data: { agents: expect.arrayContaining([expect.objectContaining({ name: 'Support' })]) },
    })
    expect(rows.get('plain.js')).toMatchObject({ agent: null, handlers: ['fetch'] })
  })

  it('serve as the page says that they do', async () => {
    const answer = await fetch(`${server.url}/workers/documented/ada`)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('ada')
    expect(rows.get('documented.ts')?.handlers).toEqual(['fetch', 'scheduled'])
  })

  it('see the settings with their own prefix, and neither others nor the environment', async () => {
    const answer = await fetch(`${server.url}/workers/support`)
    const { env, isFrozen, process } = (await answer.json()) as {
      readonly env: unknown
      readonly isFrozen: boolean
      readonly process: readonly string[]
    }
    expect(env).toEqual({ SUPPORT_URL: 'http://support.example' })
    expect(isFrozen).toBe(true)
    expect(process.filter((name) => /^(?:PARLEY|SUPPORT|ELIZA)/.test(name))).toEqual([])
    expect(process).toContain('PATH')
    expect(JSON.stringify(server.lines)).not.toContain('support.example')
  })

  it('are listed with everything that is wrong with them: the file, the cause, and the line', () => {
    expect([...rows.keys()].toSorted()).toEqual(
      [...Object.keys(GOOD), ...Object.keys(BAD), 'documented.ts']
        .filter((name) => !/^(?:lib\/|[_.]|env\.d|notes)/.test(name))
        .toSorted(),
    )
    expect(problem('bad-syntax.ts')).toContain('bad-syntax.ts:3:')
    expect(problem('bad-syntax-js.js')).toContain('bad-syntax-js.js:3:')
    expect(problem('bad-import.ts')).toMatch(/nowhere\.ts.*bad-import\.ts/)
    expect(problem('bad-package.mjs')).toMatch(/no-such-package.*bad-package\.mjs/)
    expect(problem('bad-name.ts')).toContain('nix')
    expect(problem('Bad_File.ts')).toContain('the name of the file')
    expect(problem('hangs.ts')).toContain('await')
    expect(problem('throws.ts')).toMatch(/thrown at the top \(throws\.ts:3:/)
    expect(problem('throws-text.js')).toContain('just words')
    expect(problem('no-default.js')).toContain('no default export')
    expect(problem('no-object.js')).toContain('must be an object')
    expect(problem('no-handler.js')).toContain('no handler')
    for (const part of [
      'agent.name',
      'agent.id',
      'PARLEY_',
      'never',
      'fetch: must be a function',
    ]) {
      expect(problem('shape.js')).toContain(part)
    }
    expect(problem('exits.ts')).toContain('code 7')
    for (const { problem: text = '' } of rows.values()) expect(text).not.toContain(folder.path)
  })

  it('are refused when another has their name, their agent’s name or its id; the first by file name serves', async () => {
    expect(problem('plain.mjs')).toContain('plain.js')
    expect(problem('twin.ts')).toContain('support.ts')
    expect(problem('zz-same-id.ts')).toContain('zy-first-id.ts')
    const first = await fetch(`${server.url}/workers/zy-first-id`)
    expect(await first.text()).toBe('first')
  })

  it('are reported in the log, each problem once, though two processes have it', () => {
    const refused = server.lines.filter(({ msg }) => msg === 'worker not loaded')
    const named = refused.map(({ file }) => String(file)).toSorted()
    const listed = [...rows.values()].filter((row) => row.problem !== undefined)
    expect(named).toEqual(listed.map(({ file }) => file).toSorted())
    expect(refused.every((line) => typeof line.problem === 'string')).toBe(true)
  })
})
