/**
 * Node's hooks for what an agent host imports: TypeScript without a build step, and `parley` wherever the
 * workers folder is. They run in Node's own thread for hooks; packages (`node_modules`) are left to Node.
 */
import type { LoadHook, ResolveHook } from 'node:module'
import { fileURLToPath } from 'node:url'

const PACKAGE_URL = new URL('../index.js', import.meta.url).href
const TYPESCRIPT = /\.m?ts$/
const OWN_FILE = /^file:(?!.*\/node_modules\/)/

/** What a bundler would have found: the TypeScript behind a `.js`, a file without its ending, a folder's index. */
function alternatives(specifier: string): readonly string[] {
  const asTypeScript = specifier.replace(/\.(m?)js$/, '.$1ts')
  const others = [
    `${specifier}.ts`,
    `${specifier}.js`,
    `${specifier}/index.ts`,
    `${specifier}/index.js`,
  ]
  return asTypeScript === specifier ? others : [asTypeScript]
}

const NOT_FOUND: ReadonlySet<unknown> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
])

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NOT_FOUND.has(error.code)

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === 'parley') return { url: PACKAGE_URL, shortCircuit: true }
  try {
    return await nextResolve(specifier, context)
  } catch (error) {
    const isOwn = specifier.startsWith('.') && OWN_FILE.test(context.parentURL ?? '')
    if (!isOwn || !isNotFound(error)) throw error
    for (const other of alternatives(specifier)) {
      try {
        return await nextResolve(other, context)
      } catch (otherError) {
        if (!isNotFound(otherError)) throw otherError
      }
    }
    throw error
  }
}

/** What the compiler throws is a plain object, which would lose its words on the way to the other thread. */
function syntaxError(thrown: unknown, file: string): Error {
  if (typeof thrown !== 'object' || thrown === null)
    return new SyntaxError(`${String(thrown)} (${file})`)
  const {
    message,
    startLine,
    startColumn,
  }: { message?: unknown; startLine?: unknown; startColumn?: unknown } = thrown
  const place = typeof startLine === 'number' ? `:${startLine}:${Number(startColumn) + 1}` : ''
  return new SyntaxError(`${String(message)} (${file}${place})`)
}

async function compile(source: string, file: string): Promise<string> {
  const { transformSync } = await import('@swc/wasm-typescript')
  try {
    // `transform` rather than `strip-only`: enums work, and imports that are types only go without a word.
    const { code, map = '' } = transformSync(source, {
      filename: file,
      mode: 'transform',
      module: true,
      sourceMap: true,
      transform: { nativeClassProperties: true },
    })
    const encoded = Buffer.from(map).toString('base64')
    return `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`
  } catch (error) {
    throw syntaxError(error, file)
  }
}

/** A `.js` outside of packages is an ES module, whatever a `package.json` around it says: workers are. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const { pathname } = new URL(url)
  if (!OWN_FILE.test(url) || !(TYPESCRIPT.test(pathname) || pathname.endsWith('.js')))
    return nextLoad(url, context)
  const loaded = await nextLoad(url, { ...context, format: 'module' })
  if (!TYPESCRIPT.test(pathname)) return loaded
  const { source } = loaded
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source)
  return { ...loaded, format: 'module', source: await compile(text, fileURLToPath(url)) }
}
