// Copies the API page's assets into the package, so that `/docs` needs nothing from outside and the
// published package needs no dependency for it.
import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const source = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
const target = path.join(import.meta.dirname, 'dist', 'docs-assets')
mkdirSync(target, { recursive: true })
for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE']) {
  copyFileSync(path.join(source, file), path.join(target, file))
}
