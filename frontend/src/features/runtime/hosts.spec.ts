import { flushPromises, mount } from '@vue/test-utils'
import { createPinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'
import type { RuntimeHost } from '@/api/types'
import { dispatch } from '@/live/live'
import type { LiveEvent } from '@/live/types'
import en from '@/locales/en.json'
import { useContainers } from '@/features/containers/store'
import { aContainer } from '@/testing/mount'
import { useHostInAddress } from './address'
import EngineBanner from './EngineBanner.vue'
import HostSwitcher from './HostSwitcher.vue'
import { useHosts } from './hosts'
import { useRuntime } from './store'

const AT = '2026-03-04T10:00:00.000Z'
const host = (name: string, part: Partial<RuntimeHost> = {}): RuntimeHost => ({
  name, address: '', connected: true, since: AT, error: null, version: '27.0', ...part,
})
const lost = (name: string) => host(name, { connected: false, error: `${name} refused` })

async function open(path: string, hosts: RuntimeHost[] | null) {
  const pinia = createPinia()
  const runtime = useRuntime(pinia)
  const setHosts = (list: RuntimeHost[]) => {
    const connected = list.every((one) => one.connected)
    runtime.status = { runtime: 'docker', context: 'docker', connected, label: '', detected_at: AT, metadata: {}, hosts: list }
  }
  if (hosts) setHosts(hosts)
  useContainers(pinia).byId.set(1, aContainer({ id: 1, host: 'alpha' }))
  useContainers(pinia).byId.set(2, aContainer({ id: 2, host: 'beta' }))

  const page = { template: '<div />' }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/containers', component: page, meta: { byHost: true } },
      { path: '/other', component: page },
    ],
  })
  await router.push(path)
  const shell = {
    components: { EngineBanner, HostSwitcher, RouterView },
    setup: () => useHostInAddress(),
    template: '<HostSwitcher wide /><EngineBanner /><RouterView />',
  }
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en } })
  const wrapper = mount(shell, { global: { plugins: [pinia, router, i18n] } })
  await flushPromises()
  return { wrapper, router, setHosts, chosen: useHosts(pinia), button: (name: string) => wrapper.get(`[data-host="${name}"]`) }
}

beforeEach(() => sessionStorage.clear())

describe('the host switcher', () => {
  it('is not there for a single engine, and an address cannot ask for one', async () => {
    const { wrapper, router, chosen } = await open('/containers?host=alpha&q=api', [host('alpha')])
    expect(wrapper.find('[data-testid=host-switcher]').exists()).toBe(false)
    expect(chosen.chosen).toBeNull()
    expect(router.currentRoute.value.fullPath).toBe('/containers?q=api')
  })

  it('tells the state of each and how much runs there', async () => {
    const { button } = await open('/containers', [host('alpha'), lost('beta')])
    expect(button('').text()).toMatch(/All hosts\s*2/)
    expect(button('alpha').text()).toContain('connected')
    expect(button('beta').text()).toContain('out of reach since')
  })

  it('writes what was chosen into the address of a list, and only there', async () => {
    const { router, button, chosen } = await open('/containers?q=api', [host('alpha'), host('beta')])
    await button('beta').trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.fullPath).toBe('/containers?q=api&host=beta')
    expect([chosen.shows({ host: 'alpha' }), chosen.shows({ host: 'beta' })]).toEqual([false, true])

    await router.push('/other')
    await flushPromises()
    expect(router.currentRoute.value.fullPath).toBe('/other')
    await router.push('/containers?state=exited')
    await flushPromises()
    expect(router.currentRoute.value.fullPath).toBe('/containers?state=exited&host=beta')

    await button('').trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.fullPath).toBe('/containers?state=exited')
  })

  it('follows a link, and remembers it for this tab', async () => {
    const { chosen } = await open('/containers?host=beta', [host('alpha'), host('beta')])
    expect(chosen.chosen).toBe('beta')
    expect(sessionStorage.getItem('tocsin.host')).toBe('beta')
    expect((await open('/other', [host('alpha'), host('beta')])).chosen.chosen).toBe('beta')
  })

  it('believes the address until it is known which hosts there are', async () => {
    const { router, chosen, setHosts } = await open('/containers?host=gone', null)
    expect(chosen.shows({ host: 'alpha' })).toBe(false)
    setHosts([host('alpha'), host('beta')])
    await flushPromises()
    expect(chosen.shows({ host: 'alpha' })).toBe(true)
    expect(router.currentRoute.value.fullPath).toBe('/containers')
  })
})

describe('the banner of lost engines', () => {
  const banner = '[data-testid=engine-banner]'

  it('names every engine that is lost, each with its reason', async () => {
    const { wrapper } = await open('/other', [host('alpha'), lost('beta'), lost('gamma')])
    const text = wrapper.get(banner).text()
    for (const part of ['beta and gamma cannot be reached', 'beta refused', 'gamma refused', 'the others are up to date']) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('alpha')
  })

  it('does not promise others when all are lost', async () => {
    const { wrapper } = await open('/other', [lost('alpha'), lost('beta')])
    expect(wrapper.get(banner).text()).not.toContain('others')
  })

  it('follows an event at once', async () => {
    const { wrapper } = await open('/other', [host('alpha'), host('beta')])
    expect(wrapper.find(banner).exists()).toBe(false)
    const data = { connected: false, name: 'beta', label: '', error: 'gone fishing', timestamp: AT }
    dispatch({ type: 'runtime.status', data, journalId: null } as LiveEvent)
    await flushPromises()
    expect(wrapper.get(banner).text()).toContain('Docker on beta cannot be reached')
    expect(wrapper.get(banner).text()).toContain('gone fishing')
  })
})
