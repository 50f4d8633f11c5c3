import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Journal } from '../cluster/support/journal.ts'
import type { ChannelTruth } from '../cluster/support/truth.ts'
import type { Ear } from './ear.ts'
import type { Life } from './keeper.ts'
import { formatStep } from './plan.ts'
import type { Plan } from './steps.ts'
import type { TalkTruth } from './talk-truth.ts'

export interface Evidence {
  readonly plan: Plan
  readonly result: object
  readonly journals: readonly Journal[]
  readonly truths: readonly ChannelTruth[]
  readonly ears: readonly Ear[]
  readonly talks: readonly TalkTruth[]
  readonly lives: readonly Life[]
}

function lines(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('')
}

/** Writes down all that a verdict rests on, one JSON object per line; resolves with the directory. */
export async function keepEvidence(dir: string, evidence: Evidence): Promise<string> {
  const { plan, result, journals, truths, ears, talks, lives } = evidence
  await mkdir(path.join(dir, 'journals'), { recursive: true })
  await mkdir(path.join(dir, 'truth'), { recursive: true })
  await mkdir(path.join(dir, 'heard'), { recursive: true })
  await mkdir(path.join(dir, 'talk'), { recursive: true })
  const write = (name: string, content: string): Promise<void> =>
    writeFile(path.join(dir, name), content)
  await write('plan.txt', plan.steps.map((step) => `${formatStep(step)}\n`).join(''))
  await write('result.json', JSON.stringify(result, null, 2))
  for (const { name, records } of journals) await write(`journals/${name}.jsonl`, lines(records))
  for (const { channelId, stored } of truths) await write(`truth/${channelId}.jsonl`, lines(stored))
  for (const { name, heard } of ears) await write(`heard/${name}.jsonl`, lines(heard))
  for (const { channelId, turns } of talks) await write(`talk/${channelId}.jsonl`, lines(turns))
  for (const [index, { process: server, ...life }] of lives.entries()) {
    await write(`server-${index}.jsonl`, lines([...server.lines, { pid: server.pid, ...life }]))
    if (server.stderr !== '') await write(`server-${index}.stderr`, server.stderr)
  }
  return dir
}
