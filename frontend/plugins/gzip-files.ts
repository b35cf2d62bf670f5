import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const COMPRESSIBLE = /\.(js|css|html|svg)$/
const MIN_BYTES = 1024

/** Puts a `.gz` next to each text file of the build, so that the server never compresses while it serves. */
export function gzipFiles(outDir: string): Plugin {
  return {
    name: 'tocsin:gzip-files',
    apply: 'build',
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        for (const name of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
          const path = join(outDir, name)
          if (!COMPRESSIBLE.test(name) || statSync(path).size < MIN_BYTES) continue
          writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
        }
      },
    },
  }
}
