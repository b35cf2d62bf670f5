import { expect, it } from 'vitest'
import type { Alert } from '@/api/types'
import en from '@/locales/en.json'
import { excerpt, facts, pageOf } from './evidence'

const alert = (details: object, part: Partial<Alert> = {}) => ({ entity_type: 'endpoint', entity_id: 7, details, ...part }) as Alert

it('tells what a failed check expected and what it got', () => {
  const shown = facts(
    alert({
      target: 'http://web/health',
      failures: 3,
      threshold: 3,
      last_error: 'status 503',
      evidence: { expected: '2xx', got: '503', address: '10.0.0.7:80', headers: { Server: 'nginx' }, body_excerpt: 'oops\n' },
      phases: { dns_ms: 1, connect_ms: 2.5, tls_ms: null },
    }),
  )
  expect(Object.fromEntries(shown.map(({ key, value }) => [key, value]))).toEqual({
    last_error: 'status 503',
    target: 'http://web/health',
    expected: '2xx',
    got: '503',
    failures: '3',
    threshold: '3',
    address: '10.0.0.7:80',
    phases: 'dns 1 ms, connect 2.5 ms',
  })
})

it('shows the answer as it came: headers, then the beginning of the body', () => {
  expect(excerpt(alert({ evidence: { headers: { Server: 'nginx' }, body_excerpt: 'oops\n' } }))).toEqual(['Server: nginx', '', 'oops'])
  expect(excerpt(alert({ log_excerpt: 'a\nb\n' }))).toEqual(['a', 'b'])
  expect(excerpt(alert({}))).toEqual([])
})

it('tells what was expected of a job and what came last, with a name for each', () => {
  const details = { exit_code: 3, schedule: 'every 1 hour', expected_at: '2026-03-04T09:15:00.000Z', last_exit_code: 3, last_duration_ms: 1200, said_at: '2026-03-04T09:14:00.000Z' }
  const keys = facts(alert({ ...details, log_excerpt: 'boom' }, { entity_type: 'heartbeat' })).map(({ key }) => key)
  expect(keys).toEqual(['exit_code', 'schedule', 'expected_at', 'last_exit_code', 'last_duration_ms', 'said_at'])
  for (const key of keys) expect(en.alerts.facts).toHaveProperty(key)
  for (const type of ['deadline_missed', 'exit_code_failure', 'overrun']) expect(en.alerts.types).toHaveProperty(type)
})

it('leads to the page of the thing while there is one', () => {
  expect(pageOf(alert({}))).toBe('/endpoints/7')
  expect(pageOf(alert({}, { entity_type: 'certificate' }))).toBe('/certificates/7')
  expect(pageOf(alert({}, { entity_type: 'heartbeat' }))).toBe('/heartbeats/7')
  expect(pageOf(alert({}, { resolution: 'entity_removed' }))).toBeNull()
  expect(pageOf(alert({}, { entity_type: 'host' }))).toBeNull()
})
