import { expect, it } from 'vitest'
import { chartData, span } from './chart'
import type { ResponsePoint, ResponseTimes } from './types'

const point = (timestamp: string, part: Partial<ResponsePoint> = {}): ResponsePoint => ({
  timestamp, checks: 10, failures: 0, average_ms: 12, p50_ms: 10, p95_ms: 20, p99_ms: 30, max_ms: 40,
  dns_ms: 1, connect_ms: 2, tls_ms: 3, first_byte_ms: 4, ...part,
})
const times = (...points: ResponsePoint[]): ResponseTimes => ({ endpoint_id: 7, range: '1h', step_seconds: 60, points, overall: null })

it('breaks the lines where nobody checked', () => {
  const data = chartData(times(point('2026-03-04T10:00:00Z'), point('2026-03-04T10:01:00Z'), point('2026-03-04T10:30:00Z')), 'percentiles')
  expect(data.x.map((at) => at - (data.x[0] ?? 0))).toEqual([0, 60, 120, 1800])
  expect(data.lines[1]?.values).toEqual([10, 10, null, 10])
  expect(data.points[2]).toBeNull()
})

it('says which part failed', () => {
  const broken = point('2026-03-04T10:00:00Z', { failures: 4, p50_ms: null, p95_ms: null })
  const data = chartData(times(broken), 'percentiles')
  expect(data.failed).toEqual([0.4])
  expect(data.lines.map(({ values }) => values)).toEqual([[null], [null]])
})

it('stacks the phases, the whole first', () => {
  const data = chartData(times(point('2026-03-04T10:00:00Z'), point('2026-03-04T10:01:00Z', { tls_ms: null })), 'phases')
  expect(data.lines.map(({ values }) => values)).toEqual([[10, 7], [6, 3], [3, 3], [1, 1]])
})

it('has no phases where every check failed', () => {
  const none = { dns_ms: null, connect_ms: null, tls_ms: null, first_byte_ms: null }
  expect(chartData(times(point('2026-03-04T10:00:00Z', none)), 'phases').lines[0]?.values).toEqual([null])
})

it('shows the whole range', () => {
  const [from, to] = span(times(), 7_200_000)
  expect([from, to]).toEqual([3600, 7200])
})
