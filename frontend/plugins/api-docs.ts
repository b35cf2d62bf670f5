import { copyFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

/** Copies the API reference page and the two Swagger UI files it needs into `docs/` of the build. */
export function apiDocs(outDir: string): Plugin {
  return {
    name: 'tocsin:api-docs',
    apply: 'build',
    closeBundle: {
      order: 'pre',
      sequential: true,
      handler() {
        const own = fileURLToPath(new URL('../api-docs', import.meta.url))
        const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
        const target = join(outDir, 'docs')
        mkdirSync(target, { recursive: true })
        for (const name of ['docs.html', 'docs.js']) copyFileSync(join(own, name), join(target, name))
        for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
          copyFileSync(join(swagger, name), join(target, name))
        }
      },
    },
  }
}
