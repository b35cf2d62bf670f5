import type { Alert } from '@/api/types'

export interface Fact {
  key: string
  value: string
}

/** What is worth a line of its own, in this order; excerpts are shown apart. */
const SHOWN = [
  'exit_code', 'error_detail', 'error', 'last_error', 'target', 'expected', 'got', 'http_status', 'failures', 'slow', 'restart_count', 'threshold',
  'response_time_ms', 'degraded_after_ms', 'address', 'http_version', 'phases', 'hostname', 'port', 'chain_error', 'threshold_days',
  'days_remaining', 'not_before', 'not_after', 'issuer_org', 'schedule', 'expected_at', 'grace',
  'last_ping_at', 'last_exit_code', 'last_duration_ms', 'said_at', 'image', 'restart_policy', 'started_at', 'finished_at', 'container_count', 'containers',
] as const
export type EvidenceKey = (typeof SHOWN)[number]

type Details = Record<string, unknown>

/** The evidence of a failed check stands with the rest. */
function flat(alert: Alert): Details {
  const details = alert.details as Details
  return { ...(details.evidence as Details | null), ...details }
}

function isSaying(key: string, value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false
  return Array.isArray(value) ? value.length > 0 : key !== 'container_count' || Boolean(value)
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  if (typeof value !== 'object' || value === null) return String(value)
  const parts = Object.entries(value).filter(([, part]) => part !== null)
  return parts.map(([name, part]) => `${name.replace(/_ms$/, '').replaceAll('_', ' ')} ${Number(part)} ms`).join(', ')
}

/** The evidence of an alert as lines; what is empty says nothing and is left out. */
export function facts(alert: Alert): Fact[] {
  const details = flat(alert)
  return SHOWN.flatMap((key) => (isSaying(key, details[key]) ? [{ key, value: written(details[key]) }] : []))
}

/** Text that was seen: the last words of a log, or the headers and the beginning of an answer. */
export function excerpt(alert: Alert): string[] {
  const { log_excerpt: log, headers, body_excerpt: body } = flat(alert)
  if (typeof log === 'string' && log) return log.replace(/\n+$/, '').split('\n')
  const lines = Object.entries((headers as Record<string, string> | null) ?? {}).map(([name, value]) => `${name}: ${value}`)
  if (typeof body !== 'string' || !body) return lines
  return [...lines, ...(lines.length ? [''] : []), ...body.replace(/\n+$/, '').split('\n')]
}

const PAGES: Record<string, string> = {
  container: '/containers', endpoint: '/endpoints', heartbeat: '/heartbeats', certificate: '/certificates',
}

/** Where the page of the thing is, when it has one. */
export function pageOf(alert: Alert): string | null {
  const page = PAGES[alert.entity_type]
  return page && alert.entity_id && alert.resolution !== 'entity_removed' ? `${page}/${alert.entity_id}` : null
}
