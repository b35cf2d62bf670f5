import { flushPromises, mount } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { afterEach, expect, it, vi } from 'vitest'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'
import type { Container } from '@/api/types'
import en from '@/locales/en.json'
import { aContainer } from '@/testing/mount'
import { router as appRouter } from '@/router'
import NamedContainerPage from './NamedContainerPage.vue'

const api = aContainer({ id: 7, name: 'shop-api-1', host: 'alpha' })
const twin = aContainer({ id: 8, name: 'shop-api-1', host: 'beta' })
const removed = aContainer({ id: 9, name: 'blog', archived: true, archived_at: '2026-03-04T10:00:00.000Z' })

function serve(containers: Container[]) {
  vi.stubGlobal('fetch', (address: string) => {
    const shown = containers.filter(({ archived }) => address.includes('archived=true') || !archived)
    const body = { groups: [{ name: 'x', source: 'compose', containers: shown }], total: 0, has_more: false, archived_count: 0 }
    return Promise.resolve(new Response(JSON.stringify(body)))
  })
}

async function open(path: string, containers: Container[] | null) {
  if (containers) serve(containers)
  else vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')))
  const props = appRouter.resolve(path).matched.at(-1)?.props.default
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/c/:first/:second?', component: NamedContainerPage, props: props as never },
      { path: '/containers/:id', name: 'container', component: { template: '<div />' } },
      { path: '/containers', component: { template: '<div />' } },
    ],
  })
  await router.push(path)
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en } })
  const wrapper = mount(RouterView, { global: { plugins: [createPinia(), router, i18n] } })
  await flushPromises()
  return { wrapper, address: () => router.currentRoute.value.fullPath }
}

afterEach(() => vi.unstubAllGlobals())

it.each([
  ['/c/shop-api-1', [api], '/containers/7'],
  ['/c/shop-api-1?tab=logs', [api], '/containers/7?tab=logs'],
  ['/c/beta/shop-api-1', [api, twin], '/containers/8'],
  ['/c/blog', [api, removed], '/containers/9'],
])('%s leads to the container', async (path, containers, expected) => {
  expect((await open(path, containers)).address()).toBe(expected)
})

it('asks which one when two hosts know the name', async () => {
  const { wrapper, address } = await open('/c/shop-api-1', [api, twin])
  expect(address()).toBe('/c/shop-api-1')
  expect(wrapper.get('h1').text()).toBe('Which shop-api-1?')
  expect(wrapper.findAll('li a').map((link) => link.text())).toEqual([
    expect.stringContaining('alpha'),
    expect.stringContaining('beta'),
  ])
})

it('suggests near names when there is none', async () => {
  const { wrapper } = await open('/c/shop-api', [api, removed])
  expect(wrapper.get('h1').text()).toBe('No container is called shop-api')
  expect(wrapper.findAll('li a').map((link) => link.attributes('href'))).toEqual(['/containers/7'])
})

it('tells that the server is away, and goes on when it is back', async () => {
  const { wrapper, address } = await open('/c/shop-api-1', null)
  expect(wrapper.get('[role=alert]').text()).toContain('cannot be reached')
  serve([api])
  await wrapper.get('[role=alert] button').trigger('click')
  await flushPromises()
  expect(address()).toBe('/containers/7')
})
