import { ref, shallowRef } from 'vue'
import { request, type ApiError } from '@/api/client'
import type { Alert, AlertPage } from '@/api/types'
import { onLive } from '@/live/live'

const SHOWN = 10

/** The latest alerts about one thing, newest first, the open ones among them. */
export function useIncidents(entityType: string, entityId: number) {
  const alerts = shallowRef<Alert[]>([])
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)

  async function load() {
    try {
      const query = { entity_type: entityType, entity_id: entityId, limit: SHOWN }
      alerts.value = (await request<AlertPage>('GET', '/alerts', { query })).alerts
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  function put(news: Alert) {
    if (news.entity_type !== entityType || news.entity_id !== entityId) return
    const isKnown = alerts.value.some(({ id }) => id === news.id)
    alerts.value = isKnown ? alerts.value.map((one) => (one.id === news.id ? news : one)) : [news, ...alerts.value]
  }

  for (const name of ['alert.fired', 'alert.updated', 'alert.silenced', 'alert.acknowledged', 'alert.resolved'] as const) onLive(name, put)
  onLive('sync.required', () => void load())
  void load()

  return { alerts, loaded, error, load, put }
}
