import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { useSession } from '@/features/auth/store'
import { dispatch } from '@/live/live'
import type { LiveEvent } from '@/live/types'
import { aHeartbeat, mountApp } from '@/testing/mount'
import HeartbeatPage from './HeartbeatPage.vue'
import type { Heartbeat } from './types'

const AT = '2026-03-04T09:12:00.000Z'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(AT) })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function open(heartbeat: Heartbeat, role = 'viewer') {
  const answers: Record<string, object> = {
    '/api/v1/heartbeats/7': { heartbeat, snippets: { curl: 'curl https://x', wget: 'wget https://x' } },
    '/api/v1/heartbeats/7/executions': {
      executions: [{ id: 2, heartbeat_id: 7, outcome: 'failure', started_at: AT, duration_ms: 900, exit_code: 3, late: true, payload: 'no room\n' }],
      total: 1,
      has_more: false,
    },
    '/api/v1/heartbeats/7/pings': { pings: [], total: 0, has_more: false },
    '/api/v1/heartbeats/7/uptime/daily': { monitor_id: 7, monitor_type: 'heartbeat', days: [] },
    '/api/v1/alerts': { alerts: [], total: 0, has_more: false },
  }
  const fetch = vi.fn((url: string) => Promise.resolve(new Response(JSON.stringify(answers[url.split('?')[0] ?? ''] ?? {}))))
  vi.stubGlobal('fetch', fetch)
  const { wrapper } = await mountApp(HeartbeatPage, { props: { id: 7 } })
  useSession().begin({ id: 1, name: 'ada', role } as never)
  await flushPromises()
  const asked = (path: string) => fetch.mock.calls.filter(([url]) => url.split('?')[0] === `/api/v1/heartbeats/7${path}`).length
  return { wrapper, asked }
}

const awaited = (wrapper: Awaited<ReturnType<typeof open>>['wrapper']) => wrapper.get('[data-testid=awaited]').text()

it.each([
  [{}, 'The next ping is expected in 3 min.'],
  [{ status: 'new' as const }, 'Waiting for the first ping, in 3 min.'],
  [{ status: 'started' as const, current_run_started_at: '2026-03-04T09:11:20.000Z' }, 'Running for 40 s. Its end is expected in 3 min.'],
  [{ next_expected_at: '2026-03-04T09:11:48.000Z', next_deadline_at: '2026-03-04T09:12:48.000Z' }, 'Expected 12 s ago; it rings in 48 s.'],
  [{ status: 'down' as const, next_expected_at: '2026-03-04T09:00:00.000Z', next_deadline_at: '2026-03-04T09:01:00.000Z' }, 'Nothing came in time; it is 12 min late.'],
  [{ status: 'paused' as const, next_expected_at: null, next_deadline_at: null }, 'Nobody waits for it: pings are only noted.'],
])('says of %o what is awaited', async (part, said) => {
  const { wrapper } = await open(aHeartbeat({ id: 7, ...part }))
  expect(awaited(wrapper)).toBe(said)
  wrapper.unmount()
})

it('counts the seconds', async () => {
  const { wrapper } = await open(aHeartbeat({ id: 7, next_expected_at: '2026-03-04T09:12:02.000Z', next_deadline_at: '2026-03-04T09:13:02.000Z' }))
  expect(awaited(wrapper)).toContain('in 2 s')
  await vi.advanceTimersByTimeAsync(3000)
  expect(awaited(wrapper)).toContain('Expected 1 s ago')
  wrapper.unmount()
})

it('shows a run with its words, its code and that it came late', async () => {
  const { wrapper } = await open(aHeartbeat({ id: 7 }))
  const run = wrapper.get('[data-testid=run]')
  for (const text of ['Failed', '900\u00a0ms', 'Exit code 3', 'late', 'no room']) expect(run.text()).toContain(text)
  wrapper.unmount()
})

it('asks for news once a second at most, however often it is pinged', async () => {
  const { wrapper, asked } = await open(aHeartbeat({ id: 7 }))
  const ping = { heartbeat_id: 7, ping_type: 'start', status: 'started', exit_code: null, last_ping_at: null, next_deadline_at: null, timestamp: AT }
  for (let count = 0; count < 20; count++) {
    dispatch({ type: 'heartbeat.pinged', data: ping, journalId: null } as unknown as LiveEvent)
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(wrapper.get('[data-testid=heartbeat-badge]').attributes('data-status')).toBe('up') // as the server said last
  // When it was opened, and twice in two seconds.
  expect([asked(''), asked('/executions'), asked('/pings')]).toEqual([3, 3, 3])
  wrapper.unmount()
})

it('offers nothing to those who only look', async () => {
  const { wrapper, asked } = await open(aHeartbeat({ id: 7 }))
  expect(wrapper.findAll('header button')).toHaveLength(0)
  expect(asked('/ping-key')).toBe(0)
  expect(wrapper.findAll('[role=tab]').map((tab) => tab.text())).toEqual(['curl', 'wget'])
  wrapper.unmount()
})
