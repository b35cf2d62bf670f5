import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { useSession } from '@/features/auth/store'
import { aHeartbeat, mountApp } from '@/testing/mount'
import HeartbeatsPage from './HeartbeatsPage.vue'
import { useHeartbeats } from './store'
import type { Heartbeat } from './types'

afterEach(() => vi.unstubAllGlobals())

async function open(heartbeats: Heartbeat[], path = '/heartbeats', role = 'editor') {
  const answers: Record<string, object> = {
    '/api/v1/heartbeats': { heartbeats, total: heartbeats.length, has_more: false },
    '/api/v1/heartbeats/ping-key': { key: 'k3y', url: 'https://tocsin.example/ping/k3y', created: false },
    '/api/v1/heartbeats/ping-key/rotate': { key: 'n3w', url: 'https://tocsin.example/ping/n3w', created: true },
    '/api/v1/dashboard/uptime': { days: 90, to: '2026-03-04', items: [] },
  }
  const fetch = vi.fn((url: string) => Promise.resolve(new Response(JSON.stringify(answers[url.split('?')[0] ?? '']))))
  vi.stubGlobal('fetch', fetch)
  vi.stubGlobal('scrollTo', () => {}) // the virtualiser scrolls, jsdom cannot
  const { wrapper } = await mountApp(HeartbeatsPage, { attachTo: document.body }, path)
  useSession().begin({ id: 1, name: 'ada', role } as never)
  await useHeartbeats().load()
  await flushPromises()
  return { wrapper, fetch }
}

it('says what to do when there is none: make one, or let a job make it', async () => {
  const { wrapper } = await open([])
  expect(wrapper.get('a[href="/heartbeats/new"]').text()).toBe('New heartbeat')
  expect(wrapper.get('[data-testid=ping-key]').text()).toContain('https://tocsin.example/ping/k3y/my-job?create=1')
  wrapper.unmount()
})

it('shows no key to those who only look', async () => {
  const { wrapper, fetch } = await open([], '/heartbeats', 'viewer')
  expect(wrapper.find('[data-testid=ping-key]').exists()).toBe(false)
  expect(wrapper.find('a[href="/heartbeats/new"]').exists()).toBe(false)
  expect(fetch.mock.calls.some(([url]) => url.includes('ping-key'))).toBe(false)
  wrapper.unmount()
})

it('counts what the filters in the address leave, and offers the tags', async () => {
  const heartbeats = [aHeartbeat({ status: 'down', tags: ['db'] }), aHeartbeat({ tags: ['db'] }), aHeartbeat()]
  const { wrapper } = await open(heartbeats, '/heartbeats?status=down&tag=db')
  expect(wrapper.text()).toContain('1 of 3')
  expect(wrapper.get('.chip[aria-pressed=true]').text()).toMatch(/Down\s+1/)
  expect(wrapper.get('select').element.value).toBe('db')
  wrapper.unmount()
})

it('asks before it replaces the key', async () => {
  const { wrapper, fetch } = await open([aHeartbeat()])
  await wrapper.get('[data-testid=ping-key] .btn:not([aria-label])').trigger('click')
  const dialog = document.querySelector('[role=alertdialog]')
  expect(dialog?.textContent).toContain('stops working at once')
  expect(fetch.mock.calls.some(([url]) => url.endsWith('/rotate'))).toBe(false)
  dialog?.querySelector<HTMLButtonElement>('.btn-danger')?.click()
  await flushPromises()
  expect(wrapper.get('[data-testid=ping-key]').text()).toContain('/ping/n3w/my-job')
  wrapper.unmount()
})
