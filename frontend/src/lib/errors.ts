import { ApiError } from '@/api/client'

type Translate = (key: string, values?: Record<string, unknown>) => string

const KNOWN = new Set([
  'unreachable',
  'unauthorized',
  'forbidden',
  'not_found',
  'rate_limited',
  'container_running',
  'runtime_unavailable',
  'logs_unavailable',
  'internal',
])

/** A failure in the reader's words; what we have no words for is said in the server's. */
export function explain(error: unknown, t: Translate): string {
  if (!(error instanceof ApiError)) return t('error.internal')
  if (KNOWN.has(error.code)) return t(`error.${error.code}`, { seconds: error.retryAfterSeconds ?? 60 })
  if (error.status >= 500) return t('error.internal')
  return error.message || t('error.internal')
}
