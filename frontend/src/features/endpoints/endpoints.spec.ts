import { createPinia, disposePinia, setActivePinia, type Pinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dispatch } from '@/live/live'
import type { LiveEvent } from '@/live/types'
import { anEndpoint } from '@/testing/mount'
import { filterFromQuery, filterToQuery, isFiltering, matches } from './filter'
import { inOrder, isInTrouble, standingOf } from './standing'
import { useEndpoints } from './store'

describe('what is shown of an endpoint', () => {
  it('is what its last check found, unless nobody checks it', () => {
    expect(standingOf(anEndpoint({ status: 'down' }))).toBe('down')
    expect(standingOf(anEndpoint({ status: 'down', suspended: true }))).toBe('suspended')
    expect(standingOf(anEndpoint({ status: 'down', suspended: true, paused: true }))).toBe('paused')
  })

  it.each([
    [{ status: 'down' as const }, true],
    [{ status: 'degraded' as const }, true],
    [{ status: 'up' as const }, false],
    [{ status: 'up' as const, alert_state: 'alerting' as const }, true],
    [{ status: 'down' as const, paused: true }, false],
    [{ status: 'down' as const, active: false }, false],
  ])('%o needs a look: %s', (part, expected) => expect(isInTrouble(anEndpoint(part))).toBe(expected))

  it('puts the worst on top, then goes by name', () => {
    const names = inOrder([
      anEndpoint({ name: 'b-10' }),
      anEndpoint({ name: 'b-9' }),
      anEndpoint({ name: 'asleep', paused: true }),
      anEndpoint({ name: 'slow', status: 'degraded' }),
      anEndpoint({ name: 'failed once', status: 'down' }),
      anEndpoint({ name: 'ringing', status: 'down', alert_state: 'alerting' }),
    ]).map(({ name }) => name)
    expect(names).toEqual(['ringing', 'failed once', 'slow', 'b-9', 'b-10', 'asleep'])
  })
})

describe('the filter', () => {
  it('survives the way through the address', () => {
    const query = { q: 'shop', status: 'down,paused', type: 'tcp', source: 'label' }
    expect(filterToQuery(filterFromQuery(query))).toEqual(query)
  })

  it('forgets what it does not know', () => {
    const filter = filterFromQuery({ status: 'burning,up', type: 'telnet', source: ['label', 'x'] })
    expect(filter).toEqual({ search: '', standings: ['up'], type: null, source: 'label' })
    expect(isFiltering(filterFromQuery({}))).toBe(false)
  })

  it('finds by every word, wherever it is', () => {
    const endpoint = anEndpoint({ name: 'Éclair', container_name: 'shop-web-1', target: 'http://web:8080/health' })
    const found = (q: string) => matches(endpoint, filterFromQuery({ q }))
    expect([found('eclair 8080'), found('shop-web'), found('eclair nothing')]).toEqual([true, true, false])
  })
})

describe('the store', () => {
  const AT = '2026-03-04T10:00:00.000Z'
  const tell = (type: string, data: object) => dispatch({ type, data: { timestamp: AT, ...data }, journalId: 1 } as unknown as LiveEvent)

  let pinia: Pinia
  beforeEach(() => {
    vi.useFakeTimers()
    setActivePinia((pinia = createPinia()))
  })
  afterEach(() => {
    disposePinia(pinia)
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('gathers checks and shows them together', async () => {
    const store = useEndpoints()
    store.put(anEndpoint({ id: 7 }))
    store.sparklines.set(7, Array<number>(20).fill(5))
    tell('endpoint.check_result', { endpoint_id: 7, success: true, status: 'up', response_time_ms: 30, http_status: 200, error: null })
    tell('endpoint.check_result', { endpoint_id: 7, success: false, status: 'down', response_time_ms: 99, http_status: null, error: 'refused' })
    expect(store.byId.get(7)?.status).toBe('up')
    await vi.advanceTimersByTimeAsync(1100)
    expect(store.byId.get(7)).toMatchObject({ status: 'down', status_since: AT, consecutive_failures: 1, last_error: 'refused' })
    expect(store.sparklines.get(7)?.slice(-3)).toEqual([5, 30, null])
    expect(store.sparklines.get(7)).toHaveLength(20)
  })

  it('reads what is new, and forgets what is gone', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ endpoint: anEndpoint({ id: 8, name: 'new' }) }))))
    vi.stubGlobal('fetch', fetch)
    const store = useEndpoints()
    tell('endpoint.discovered', { endpoint_id: 8 })
    tell('endpoint.updated', { endpoint_id: 8 })
    await vi.advanceTimersByTimeAsync(1100)
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(store.byId.get(8)?.name).toBe('new')
    tell('endpoint.removed', { endpoint_id: 8 })
    expect(store.byId.size).toBe(0)
  })
})
