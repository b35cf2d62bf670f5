import { enableAutoUnmount, flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLive, stopLive } from '@/live/live'
import { FakeEventSource } from '@/testing/eventsource'
import { mountApp } from '@/testing/mount'
import VersionBanner from './VersionBanner.vue'

enableAutoUnmount(afterEach)

let version = '0.1.0'
const fetch = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ version }))))
const banner = '[data-testid=version-banner]'

async function open() {
  const { wrapper } = await mountApp(VersionBanner)
  await flushPromises()
  return wrapper
}

async function loseAndComeBack() {
  FakeEventSource.last.accept()
  await flushPromises()
  FakeEventSource.last.lose()
  await flushPromises()
  FakeEventSource.last.accept()
  await flushPromises()
}

describe('the version banner', () => {
  beforeEach(() => {
    version = '0.1.0'
    fetch.mockClear()
    vi.stubGlobal('fetch', fetch)
    vi.stubGlobal('EventSource', FakeEventSource)
    startLive()
  })
  afterEach(() => {
    stopLive()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('is quiet while the server is the one the page came from', async () => {
    const wrapper = await open()
    await loseAndComeBack()
    expect(fetch).toHaveBeenCalledTimes(2)
    expect(wrapper.find(banner).exists()).toBe(false)
  })

  it('says so when the server comes back as another version, and goes when it is put away', async () => {
    const wrapper = await open()
    version = '0.2.0'
    await loseAndComeBack()
    expect(wrapper.get(banner).text()).toContain('0.2.0')
    await wrapper.get('[aria-label="Later"]').trigger('click')
    expect(wrapper.find(banner).exists()).toBe(false)
    version = '0.3.0'
    await loseAndComeBack()
    expect(wrapper.get(banner).text()).toContain('0.3.0')
  })

  it('goes when the update was taken back', async () => {
    const wrapper = await open()
    version = '0.2.0'
    await loseAndComeBack()
    version = '0.1.0'
    await loseAndComeBack()
    expect(wrapper.find(banner).exists()).toBe(false)
  })

  it('asks when somebody returns after ten minutes, not before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await open()
    vi.setSystemTime(Date.now() + 9 * 60_000)
    window.dispatchEvent(new Event('focus'))
    expect(fetch).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() + 2 * 60_000)
    window.dispatchEvent(new Event('focus'))
    expect(fetch).toHaveBeenCalledTimes(2)
  })
})
