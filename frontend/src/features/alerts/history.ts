import { ref, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import type { Alert } from '@/api/types'
import { onLive } from '@/live/live'
import { listResolved } from './api'

/** Alerts that ended, newest first, page by page. */
export function useHistory() {
  const alerts = shallowRef<Alert[]>([])
  const loaded = ref(false)
  const loadingMore = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const next = ref<number | null>(null)

  async function read(beforeId?: number) {
    try {
      const page = await listResolved(beforeId)
      alerts.value = beforeId === undefined ? page.alerts : [...alerts.value, ...page.alerts]
      next.value = page.next_before_id
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  const load = () => read()

  async function loadMore() {
    if (next.value === null || loadingMore.value) return
    loadingMore.value = true
    await read(next.value)
    loadingMore.value = false
  }

  onLive('alert.resolved', (alert) => {
    if (loaded.value) alerts.value = [alert, ...alerts.value.filter((known) => known.id !== alert.id)]
  })
  onLive('sync.required', () => void load())
  void load()

  return { alerts, loaded, loadingMore, error, next, load, loadMore }
}
