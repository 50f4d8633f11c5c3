import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../cluster/support/eventually.ts'
import { startServer } from '../cluster/support/server.ts'

const project = path.join(import.meta.dirname, '../..')
const readme = readFileSync(path.join(project, 'README.md'), 'utf8')

/** The shell blocks of a section, as a reader copies them. */
function shellBlocks(heading: string): string[] {
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '')
}

/** What a person has typed and seen in one terminal. */
class Terminal implements Disposable {
  readonly child: ChildProcess
  output = ''

  constructor(script: string) {
    this.child = spawn('bash', ['-c', script], { cwd: project, detached: true })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
  }

  type(line: string): void {
    this.child.stdin?.write(`${line}\n`)
  }

  async sees(text: string): Promise<void> {
    await eventually(() => (this.output.includes(text) ? true : undefined), {
      what: `"${text}" in the terminal`,
      timeoutMs: 20_000,
      explain: () => this.output,
    })
  }

  [Symbol.dispose](): void {
    const { pid } = this.child
    // The shell and the client that it runs are one group.
    if (pid !== undefined && this.child.exitCode === null) process.kill(-pid, 'SIGKILL')
  }
}

describe('the README’s first conversation', () => {
  it('works as it is printed, between two terminals, is still there afterwards, and an agent answers', async () => {
    const blocks = shellBlocks('A first conversation')
    const [create = '', client = '', history = '', invite = ''] = blocks
    await using server = await startServer({ PARLEY_WORKERS_DIR: path.join(project, 'workers') })
    const place = await mkdtemp(path.join(tmpdir(), 'parley-readme-'))
    const here = (block: string): string =>
      block
        .replaceAll('http://127.0.0.1:3000', server.url)
        .replaceAll('/tmp/chat.mjs', `${place}/chat.mjs`)
    try {
      using curl = new Terminal(here(create))
      await curl.sees('"id":"lobby"')
      using alice = new Terminal(here(client))
      await alice.sees('in the lobby, after message 0')
      using bob = new Terminal(`node ${place}/chat.mjs bob`)
      await bob.sees('in the lobby')
      alice.type('hello there')
      await bob.sees('1 alice: hello there')
      await alice.sees('1 alice: hello there')
      bob.type('hello alice')
      await alice.sees('2 bob: hello alice')
      using past = new Terminal(here(history))
      await past.sees('hello there')
      using invited = new Terminal(here(invite))
      await invited.sees('"success":true')
      bob.type('anybody here?')
      await alice.sees('bob: anybody here?')
      await alice.sees('Echo: anybody here?')
      bob.type('stream to be or not')
      await alice.sees('  … to')
      await alice.sees('Echo: to be or not')
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  })

  it('names the commands that users and contributors are promised, as they are', () => {
    expect(readme).toContain('```sh\nnpm ci && npm start\n```')
    expect(readme).toContain('```sh\nnpm ci && npm test\n```')
    expect(readme).toContain('`npm run check`')
  })
})
