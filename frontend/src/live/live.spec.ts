import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { FakeEventSource } from '@/testing/eventsource'
import { liveStatus, onLive, startLive, stopLive } from './live'

describe('the live stream', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    FakeEventSource.opened = []
    vi.stubGlobal('EventSource', FakeEventSource)
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{}')))
    startLive()
  })
  afterEach(() => {
    stopLive()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('hands each event to those who asked for its type, with its number', () => {
    const heard = vi.fn()
    const scope = effectScope()
    scope.run(() => onLive('container.restart_recovery', heard))
    FakeEventSource.last.tell('container.restart_recovery', { container_id: 3 }, '991')
    vi.advanceTimersByTime(50)
    expect(heard).toHaveBeenCalledWith({ container_id: 3 }, 991)

    scope.stop()
    FakeEventSource.last.tell('container.restart_recovery', { container_id: 3 }, '992')
    vi.advanceTimersByTime(50)
    expect(heard).toHaveBeenCalledTimes(1)
  })

  it('lets everybody read once it stands, and again after a gap', () => {
    const heard = vi.fn()
    effectScope().run(() => onLive('sync.required', heard))
    FakeEventSource.last.accept()
    expect(liveStatus.value).toBe('connected')
    expect(heard).toHaveBeenCalledTimes(1)

    FakeEventSource.last.lose()
    expect(liveStatus.value).toBe('reconnecting')
    FakeEventSource.last.accept()
    expect(liveStatus.value).toBe('connected')
    expect(heard).toHaveBeenCalledTimes(2)
  })

  it('opens a new stream when the browser gave up', async () => {
    FakeEventSource.last.refuse()
    await flushPromises()
    await vi.advanceTimersByTimeAsync(2000)
    expect(FakeEventSource.opened).toHaveLength(2)
  })

  it('stays quiet when nobody is signed in', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{}', { status: 401 })))
    FakeEventSource.last.refuse()
    await flushPromises()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeEventSource.opened).toHaveLength(1)
  })

  it('drops what it cannot read', () => {
    const heard = vi.fn()
    effectScope().run(() => onLive('sync.required', heard))
    FakeEventSource.last.dispatchEvent(new MessageEvent('sync.required', { data: 'not json' }))
    vi.advanceTimersByTime(50)
    expect(heard).not.toHaveBeenCalled()
  })
})
