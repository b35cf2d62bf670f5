import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { request } from '@/api/client'
import type { RuntimeStatus } from '@/api/types'
import { onLive } from '@/live/live'
import type { LiveEvents } from '@/live/types'

/** Whether Tocsin can see the container engine. */
export const useRuntime = defineStore('runtime', () => {
  const status = shallowRef<RuntimeStatus | null>(null)
  const isConnected = computed(() => status.value?.connected ?? true)
  const lostHosts = computed(() => (status.value?.hosts ?? []).filter((host) => !host.connected))

  async function load() {
    try {
      status.value = await request<RuntimeStatus>('GET', '/runtime/status')
    } catch {
      // The live dot already tells that the server is away; the last answer stays.
    }
  }

  /** The event itself says enough to show at once which engine is meant; the answer that follows has the rest. */
  function patch(event: LiveEvents['runtime.status']) {
    const known = status.value
    if (!known) return
    const { name, connected, error, timestamp } = event
    const hosts = known.hosts.map((host) => (host.name === name ? { ...host, connected, error, since: timestamp } : host))
    status.value = { ...known, hosts, connected: hosts.length > 0 && hosts.every((host) => host.connected) }
  }

  onLive('runtime.status', (event) => {
    patch(event)
    void load()
  })
  onLive('sync.required', () => void load())

  return { status, isConnected, lostHosts, load }
})
