import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Compiles one source file, others that the child loads too, and what they import into `outDir`,
 * for children that run without the test runner. Answers the path of the first one compiled.
 */
export function compile(source: string, outDir: string, others: readonly string[] = []): string {
  const root = join(import.meta.dirname, '../../..')
  const modules = join(root, 'node_modules')
  mkdirSync(outDir)
  symlinkSync(modules, join(outDir, 'node_modules'))
  writeFileSync(join(outDir, 'package.json'), '{"type":"module"}')
  const project = join(outDir, 'tsconfig.json')
  const compilerOptions = {
    outDir,
    rootDir: join(root, 'src'),
    declaration: false,
    sourceMap: false,
    typeRoots: [join(modules, '@types')],
  }
  const files = [source, ...others].map((file) => join(root, 'src', file))
  const extending = join(root, '.tsconfig.build.json')
  writeFileSync(
    project,
    JSON.stringify({ extends: extending, compilerOptions, files, include: [] }),
  )
  const tsc = spawnSync(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', project])
  if (tsc.status !== 0) throw new Error(`tsc failed: ${String(tsc.stdout)}${String(tsc.stderr)}`)
  return join(outDir, source.replace(/\.ts$/, '.js'))
}
