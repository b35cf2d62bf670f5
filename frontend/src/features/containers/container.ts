import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { ApiError } from '@/api/client'
import type { ContainerDetail } from '@/api/types'
import { onLive } from '@/live/live'
import { getContainer } from './api'
import { patchHealth, patchState } from './patch'

const SETTLE_MS = 700

/** One container with its uptime: events change it at once, and a fresh answer of the server follows. */
export function useContainer(id: Ref<number>) {
  const container = shallowRef<ContainerDetail | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const isGone = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load() {
    const wanted = id.value
    try {
      const answer = await getContainer(wanted)
      if (wanted !== id.value) return
      container.value = answer
      error.value = null
    } catch (cause) {
      if (wanted !== id.value) return
      isGone.value = cause instanceof ApiError && cause.status === 404
      if (isGone.value) container.value = null
      error.value = cause as ApiError
    }
  }

  /** A restart is a burst of events; one question at its end is enough. */
  function loadSoon() {
    clearTimeout(timer)
    timer = setTimeout(() => void load(), SETTLE_MS)
  }

  function patch(about: number, change: (known: ContainerDetail) => ContainerDetail) {
    if (about !== id.value) return
    if (container.value) container.value = change(container.value)
    loadSoon()
  }

  watch(
    id,
    () => {
      container.value = null
      isGone.value = false
      void load()
    },
    { immediate: true },
  )
  onLive('container.state_changed', (event) => patch(event.container_id, (known) => patchState(known, event)))
  onLive('container.health_changed', (event) => patch(event.container_id, (known) => patchHealth(known, event)))
  onLive('container.discovered', (event) => patch(event.container_id, (known) => known))
  onLive('container.updated', (event) => patch(event.container_id, (known) => known))
  onLive('container.restart_alert', (event) => patch(event.container_id, (known) => ({ ...known, restart_loop: true })))
  onLive('container.restart_recovery', (event) => patch(event.container_id, (known) => ({ ...known, restart_loop: false })))
  onLive('container.archived', (event) =>
    patch(event.container_id, (known) => ({ ...known, archived: true, archived_at: event.archived_at })),
  )
  onLive('runtime.status', () => loadSoon())
  onLive('sync.required', () => void load())
  onScopeDispose(() => clearTimeout(timer))

  return { container, error, isGone, load }
}
