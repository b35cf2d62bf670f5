import type { Alert } from '@/api/types'

export interface Moment {
  key: 'fired' | 'repeated' | 'escalated' | 'acknowledged' | 'resolved'
  at: string
}

/** What happened to an alert, in order. */
export function moments(alert: Alert): Moment[] {
  const found: [Moment['key'], string | null][] = [
    ['fired', alert.fired_at],
    ['repeated', alert.occurrences > 1 ? alert.last_seen_at : null],
    ['escalated', alert.escalated_at],
    ['acknowledged', alert.acknowledged_at],
    ['resolved', alert.resolved_at],
  ]
  return found.flatMap(([key, at]) => (at ? [{ key, at }] : [])).sort((a, b) => a.at.localeCompare(b.at))
}
