#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { EMBEDDED } from './process/embedded.ts'
import { ignoreSignals, obeySignals } from './process/process-signals.ts'
import type { ChildRole } from './process/roles.ts'
import { isChildRole } from './process/roles.ts'
import { parseCommandLine } from './process/tools/command-line.ts'

/** Each role loads only what it needs: a gateway's libraries would cost every other process their memory. */
async function runRole(role: ChildRole): Promise<number> {
  const { runChild } = await import('./process/child/child.ts')
  switch (role) {
    case 'writer':
      return runChild(role, (await import('./process/child/writer.ts')).composeWriter)
    case 'gateway':
      return runChild(role, (await import('./process/gateway/gateway.ts')).composeGateway)
    case 'agent-host':
      return runChild(role, (await import('./process/child/agent-host.ts')).composeAgentHost)
  }
}

async function run(): Promise<number> {
  const role = process.argv[2]
  if (isChildRole(role)) {
    ignoreSignals()
    return runRole(role)
  }
  const stop = obeySignals()
  const isEmbedded = role === EMBEDDED
  const asked = parseCommandLine(isEmbedded ? [] : process.argv.slice(2))
  if (asked.command !== 'serve' && asked.command !== 'dev') {
    const { runTool } = await import('./process/tools/run-tool.ts')
    return runTool(asked, stop.signal)
  }
  const { runPrimary } = await import('./process/primary/run-primary.ts')
  const entry = fileURLToPath(import.meta.url)
  return runPrimary({ entry, stop, isWatching: asked.command === 'dev', isEmbedded })
}

process.exit(await run())
