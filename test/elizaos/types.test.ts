import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const TSC = path.join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')

it("fits the types of elizaOS's core: its runtimes, its payloads, and the page's lines", async () => {
  const compiled = promisify(execFile)(process.execPath, [TSC, '-p', import.meta.dirname])
  const errors = await compiled.then(
    () => '',
    ({ stdout }: { readonly stdout: string }) => stdout,
  )
  expect(errors).toBe('')
})
