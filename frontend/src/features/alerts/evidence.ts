import type { Alert } from '@/api/types'

export interface Fact {
  key: string
  value: string
}

/** What is worth a line of its own, in this order; the log excerpt is shown apart. */
const SHOWN = ['exit_code', 'error_detail', 'error', 'restart_count', 'threshold', 'image', 'restart_policy', 'started_at', 'finished_at', 'container_count', 'containers'] as const
export type EvidenceKey = (typeof SHOWN)[number]

/** The evidence of an alert as lines; what is empty says nothing and is left out. */
export function facts(alert: Alert): Fact[] {
  const details = alert.details as Record<string, unknown>
  return SHOWN.flatMap((key) => {
    const value = details[key]
    return value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length) || (key === 'container_count' && !value) ? [] : [{ key, value: Array.isArray(value) ? value.join(', ') : String(value) }]
  })
}

export function excerpt(alert: Alert): string[] {
  const text = (alert.details as Record<string, unknown>).log_excerpt
  return typeof text === 'string' && text ? text.replace(/\n+$/, '').split('\n') : []
}

/** Where the page of the thing is, when it has one. */
export function pageOf(alert: Alert): string | null {
  return alert.entity_type === 'container' && alert.entity_id && alert.resolution !== 'entity_removed'
    ? `/containers/${alert.entity_id}`
    : null
}
