import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ChannelError } from '../../../protocol/errors.ts'
import type { HttpDeps } from '../deps.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Reply } from '../reply.ts'

const tag = 'Documentation'

/** Scripts only from here, none inline; the interface sets styles of its own on its elements. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Parley API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <noscript>The description that this page shows is at <a href="openapi.json">openapi.json</a>.</noscript>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/init.js"></script>
  </body>
</html>
`

const INIT = `window.ui = SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
  docExpansion: 'list',
})
`

const CACHEABLE = { 'Cache-Control': 'public, max-age=3600' } as const

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  script: 'text/javascript; charset=utf-8',
} as const

/** Reads a file of the package once. @throws ROUTE_NOT_FOUND when the build left it out. */
function openAsset(file: string, type: string, { logger }: HttpDeps): () => Promise<Reply> {
  let reply: Promise<Reply> | undefined
  const read = async (): Promise<Reply> => {
    try {
      return { status: 200, content: { type, data: await readFile(file) }, headers: CACHEABLE }
    } catch (error) {
      reply = undefined
      logger.warn({ err: error }, 'documentation asset missing')
      throw new ChannelError('ROUTE_NOT_FOUND', undefined, { cause: error })
    }
  }
  return () => (reply ??= read())
}

interface Page {
  readonly path: string
  readonly summary: string
  readonly contentType: string
  readonly handle: () => Reply | Promise<Reply>
}

const text = (type: string, data: string, headers: Record<string, string>): Reply => ({
  status: 200,
  content: { type, data },
  headers,
})

/** The address that the server prints when it starts leads to the page. */
function entrance(): Endpoint {
  const location = '/docs'
  return endpoint({
    method: 'get',
    path: '/',
    tag,
    summary: 'Leads to the documentation',
    access: 'public',
    isInfallible: true,
    success: { status: 302, description: 'To the documentation.', location },
    handle: () => ({ status: 302, headers: { Location: location } }),
  })
}

/** The browsable API page. Everything comes from the package itself, nothing from the internet. */
export function docsEndpoints(deps: HttpDeps): readonly Endpoint[] {
  const asset = (name: string, type: string) =>
    openAsset(path.join(deps.docsAssetsDir, name), type, deps)
  const pages: readonly Page[] = [
    {
      path: '/docs',
      summary: 'This page',
      contentType: TYPES.html,
      handle: () => text(TYPES.html, PAGE, { 'Content-Security-Policy': PAGE_POLICY }),
    },
    {
      path: '/docs/init.js',
      summary: 'Starts the page',
      contentType: TYPES.script,
      handle: () => text(TYPES.script, INIT, CACHEABLE),
    },
    {
      path: '/docs/swagger-ui.css',
      summary: "The page's looks",
      contentType: TYPES.css,
      handle: asset('swagger-ui.css', TYPES.css),
    },
    {
      path: '/docs/swagger-ui-bundle.js',
      summary: "The page's code",
      contentType: TYPES.script,
      handle: asset('swagger-ui-bundle.js', TYPES.script),
    },
  ]
  const files = pages.map(({ path: route, summary, contentType, handle }) =>
    endpoint({
      method: 'get',
      path: route,
      tag,
      summary,
      access: 'public',
      success: { status: 200, description: 'The file.', contentType },
      handle,
    }),
  )
  return [entrance(), ...files]
}
