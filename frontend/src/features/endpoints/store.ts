import { defineStore } from 'pinia'
import { computed, onScopeDispose, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { useUptimeDays } from '@/features/dashboard/uptime'
import { useHosts } from '@/features/runtime/hosts'
import { useLateReads } from '@/live/late'
import { onLive } from '@/live/live'
import { getEndpoint, getSparklines, listEndpoints } from './api'
import { extendSpark, patchAlert, patchCheck, patchStatus } from './patch'
import { inOrder, isInTrouble } from './standing'
import type { Endpoint, EndpointEvents } from './types'

/** Thousands of checks a minute are shown together once a second. */
const GATHER_MS = 1000

/** Every endpoint in use, kept current by events. */
export const useEndpoints = defineStore('endpoints', () => {
  const hosts = useHosts()
  const byId = shallowReactive(new Map<number, Endpoint>())
  const sparklines = shallowReactive(new Map<number, (number | null)[]>())
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const { days: uptimeDays, to: uptimeTo, load: loadUptime } = useUptimeDays('endpoint')

  const all = computed(() => inOrder(byId.values()))
  /** Those of the host that was chosen; what belongs to no container belongs to every host. */
  const shown = computed(() => all.value.filter(({ host }) => host === null || hosts.shows({ host })))
  const troubled = computed(() => shown.value.filter(isInTrouble))

  async function readAll() {
    try {
      const list = await listEndpoints()
      const present = new Set(list.map(({ id }) => id))
      for (const id of byId.keys()) if (!present.has(id)) forget(id)
      list.forEach(put)
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  async function loadSparklines() {
    try {
      for (const [key, values] of Object.entries(await getSparklines())) {
        const id = /^endpoint:(\d+)$/.exec(key)?.[1]
        if (id) sparklines.set(Number(id), values)
      }
    } catch {
      // The lines are an extra: they grow with every check that comes in.
    }
  }

  function put(endpoint: Endpoint) {
    if (endpoint.active) byId.set(endpoint.id, endpoint)
    else forget(endpoint.id)
  }

  function forget(id: number) {
    byId.delete(id)
    sparklines.delete(id)
  }

  function patch(id: number, change: (known: Endpoint) => Endpoint) {
    const known = byId.get(id)
    if (known) byId.set(id, change(known))
    else if (loaded.value) readSoon(id)
  }

  const { load, readSoon } = useLateReads({ readOne: async (id) => put((await getEndpoint(id)).endpoint), readAll, forget })

  let gathered: EndpointEvents['endpoint.check_result'][] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush() {
    timer = undefined
    const checks = gathered
    gathered = []
    for (const event of checks) {
      const known = byId.get(event.endpoint_id)
      if (!known) continue
      byId.set(known.id, patchCheck(known, event))
      sparklines.set(known.id, extendSpark(sparklines.get(known.id), event))
    }
  }

  onLive('endpoint.check_result', (event) => {
    gathered.push(event)
    timer ??= setTimeout(flush, GATHER_MS)
  })
  onLive('endpoint.status_changed', (event) => patch(event.endpoint_id, (known) => patchStatus(known, event)))
  onLive('endpoint.alert', (event) => patch(event.endpoint_id, (known) => patchAlert(known, 'alerting')))
  onLive('endpoint.recovery', (event) => patch(event.endpoint_id, (known) => patchAlert(known, 'normal')))
  onLive('endpoint.discovered', (event) => readSoon(event.endpoint_id))
  onLive('endpoint.updated', (event) => readSoon(event.endpoint_id))
  onLive('endpoint.removed', (event) => forget(event.endpoint_id))
  onLive('sync.required', () => {
    void load()
    if (sparklines.size) void loadSparklines()
  })
  onScopeDispose(() => clearTimeout(timer))

  return { byId, all, shown, troubled, sparklines, loaded, error, uptimeDays, uptimeTo, load, loadUptime, loadSparklines, put, forget }
})
