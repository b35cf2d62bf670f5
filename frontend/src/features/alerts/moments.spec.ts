import { expect, test } from 'vitest'
import type { Alert } from '@/api/types'
import { moments } from './moments'

const alert = {
  fired_at: '2026-03-04T09:00:00Z',
  last_seen_at: '2026-03-04T09:30:00Z',
  occurrences: 1,
  escalated_at: null,
  acknowledged_at: null,
  resolved_at: null,
} as unknown as Alert

test('what happened stands in order, and what did not is left out', () => {
  expect(moments(alert).map((moment) => moment.key)).toEqual(['fired'])
  const later = { ...alert, occurrences: 3, acknowledged_at: '2026-03-04T09:10:00Z', resolved_at: '2026-03-04T09:40:00Z' }
  expect(moments(later).map((moment) => moment.key)).toEqual(['fired', 'acknowledged', 'repeated', 'resolved'])
})
