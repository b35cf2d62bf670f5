import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { request } from '@/api/client'
import type { RuntimeStatus } from '@/api/types'
import { onLive } from '@/live/live'

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

  onLive('runtime.status', () => void load())
  onLive('sync.required', () => void load())

  return { status, isConnected, lostHosts, load }
})
