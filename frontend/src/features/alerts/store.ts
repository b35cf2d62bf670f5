import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import type { Alert, Severity } from '@/api/types'
import { onLive } from '@/live/live'
import { listActive, listSilenced } from './api'

const RANK: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }

/** Every open alert, kept current by events. What ended is loaded by the page that shows it. */
export const useAlerts = defineStore('alerts', () => {
  const byId = shallowReactive(new Map<number, Alert>())
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)

  const open = computed(() =>
    [...byId.values()].sort(
      (a, b) => RANK[a.severity] - RANK[b.severity] || b.fired_at.localeCompare(a.fired_at) || b.id - a.id,
    ),
  )
  const ringing = computed(() => open.value.filter((alert) => alert.status === 'active'))
  const silenced = computed(() => open.value.filter((alert) => alert.status === 'silenced'))
  /** What nobody takes care of yet: the number on the bell. */
  const waiting = computed(() => ringing.value.filter((alert) => !alert.acknowledged_at && !alert.silence_id).length)

  /** Heard while the list was on its way, which may be older: these have the last word. */
  let heard: (() => void)[] = []
  let loading = 0

  async function load() {
    loading += 1
    try {
      const [active, quiet] = await Promise.all([listActive(), listSilenced()])
      byId.clear()
      for (const alert of [...active.critical, ...active.warning, ...active.info, ...quiet.alerts]) put(alert)
      heard.forEach((again) => again())
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    } finally {
      loading -= 1
      if (!loading) heard = []
    }
  }

  function hear(change: () => void) {
    change()
    if (loading) heard.push(change)
  }

  function put(alert: Alert) {
    byId.set(alert.id, alert)
  }

  for (const name of ['fired', 'updated', 'silenced', 'unsilenced', 'acknowledged'] as const) {
    onLive(`alert.${name}`, (alert) => hear(() => put(alert)))
  }
  onLive('alert.resolved', (alert) => hear(() => byId.delete(alert.id)))
  // Which alerts a silence keeps quiet is the server's to say.
  onLive('silence.created', () => void load())
  onLive('silence.cancelled', () => void load())
  onLive('silence.expired', () => void load())
  onLive('sync.required', () => void load())

  return { byId, open, ringing, silenced, waiting, loaded, error, load, put }
})
