import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { useSession } from '@/features/auth/store'
import { anEndpoint, mountApp } from '@/testing/mount'
import EndpointsPage from './EndpointsPage.vue'
import { useEndpoints } from './store'
import type { Endpoint } from './types'

afterEach(() => vi.unstubAllGlobals())

async function open(endpoints: Endpoint[], path = '/endpoints', events: object[] = []) {
  const answers: Record<string, object> = {
    '/api/v1/endpoints': { endpoints, total: endpoints.length, has_more: false },
    '/api/v1/events': { events, total: events.length, has_more: false },
    '/api/v1/dashboard/sparklines': {},
    '/api/v1/dashboard/uptime': { days: 90, to: '2026-03-04', items: [] },
  }
  vi.stubGlobal('fetch', (url: string) => Promise.resolve(new Response(JSON.stringify(answers[url.split('?')[0] ?? '']))))
  vi.stubGlobal('scrollTo', () => {}) // the virtualiser scrolls, jsdom cannot
  const { wrapper } = await mountApp(EndpointsPage, {}, path)
  useSession().begin({ id: 1, name: 'ada', role: 'editor' } as never)
  await useEndpoints().load()
  await flushPromises()
  return wrapper
}

it('says what to do when nothing is checked', async () => {
  const wrapper = await open([])
  expect(wrapper.text()).toContain('tocsin.endpoint.http: http://web:8080/health')
  expect(wrapper.get('a[href="/endpoints/new"]').text()).toBe('Add endpoint')
})

it('counts what the filter in the address leaves', async () => {
  const wrapper = await open([anEndpoint({ status: 'down' }), anEndpoint(), anEndpoint()], '/endpoints?status=down')
  expect(wrapper.text()).toContain('1 of 3')
  expect(wrapper.get('.chip[aria-pressed=true]').text()).toMatch(/Down\s+1/)
})

it('tells when Tocsin itself is cut off, and no longer when that is over', async () => {
  const at = (minute: number) => `2026-03-04T10:0${minute}:00.000Z`
  const lost = (minute: number, scope: string) => ({ id: minute, type: 'self_health.connectivity_lost', timestamp: at(minute), data: { scope } })
  const recovered = { id: 2, type: 'self_health.connectivity_recovered', timestamp: at(2), data: { scope: 'dns' } }
  const wrapper = await open([anEndpoint()], '/endpoints', [lost(3, 'internet'), recovered, lost(1, 'dns')])
  const banner = wrapper.get('[data-testid=connectivity]').text()
  expect(banner).toContain('Tocsin itself cannot reach the internet')
  expect(banner).toContain('Nobody is judged meanwhile.')
  expect(banner).not.toContain('DNS')
})
