import { defineStore } from 'pinia'
import { computed, onScopeDispose, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { useUptimeDays } from '@/features/dashboard/uptime'
import { useLateReads } from '@/live/late'
import { onLive } from '@/live/live'
import { getHeartbeat, listHeartbeats, MOST_LOADED } from './api'
import { patchAlert, patchMissed, patchPing, patchRecovery, patchStatus } from './patch'
import { inOrder, isInTrouble } from './standing'
import type { Heartbeat, HeartbeatEvents } from './types'

/** Thousands of pings a minute are shown together, a few times a second. */
const GATHER_MS = 300

/** Every heartbeat, the newest 5,000 at most and those in trouble, kept current by events. */
export const useHeartbeats = defineStore('heartbeats', () => {
  const byId = shallowReactive(new Map<number, Heartbeat>())
  /** How many the server did not say anything about, because there are too many. */
  const notLoaded = ref(0)
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const { days: uptimeDays, load: loadUptime } = useUptimeDays('heartbeat')

  const all = computed(() => inOrder(byId.values()))
  const troubled = computed(() => all.value.filter(isInTrouble))

  async function readAll() {
    const before = new Set(byId.keys())
    try {
      const { heartbeats, total } = await listHeartbeats()
      // What came while the answer was on its way is newer than the answer.
      for (const { id } of heartbeats) before.delete(id)
      before.forEach(forget)
      for (const heartbeat of heartbeats) byId.set(heartbeat.id, heartbeat)
      notLoaded.value = Math.max(0, total - byId.size)
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  function put(heartbeat: Heartbeat) {
    if (byId.has(heartbeat.id) || byId.size < MOST_LOADED || isInTrouble(heartbeat)) byId.set(heartbeat.id, heartbeat)
    else notLoaded.value += 1
  }

  const forget = (id: number) => void byId.delete(id)
  const readOne = async (id: number) => put((await getHeartbeat(id)).heartbeat)
  const { load, readSoon } = useLateReads({ readOne, readAll, forget })

  function patch(id: number, change: (known: Heartbeat) => Heartbeat) {
    // What was pinged before happened before.
    flush()
    const known = byId.get(id)
    if (known) byId.set(id, change(known))
  }

  let gathered: HeartbeatEvents['heartbeat.pinged'][] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush() {
    clearTimeout(timer)
    timer = undefined
    const pings = gathered
    gathered = []
    for (const event of pings) {
      const known = byId.get(event.heartbeat_id)
      if (known) byId.set(known.id, patchPing(known, event))
    }
  }

  onLive('heartbeat.pinged', (event) => {
    gathered.push(event)
    timer ??= setTimeout(flush, GATHER_MS)
  })
  onLive('heartbeat.status_changed', (event) => {
    patch(event.heartbeat_id, (known) => patchStatus(known, event))
    // When it is expected again is not in the event.
    if (event.old_status === 'paused' && byId.has(event.heartbeat_id)) readSoon(event.heartbeat_id)
  })
  onLive('heartbeat.deadline_missed', (event) => {
    patch(event.heartbeat_id, (known) => patchMissed(known, event))
    if (!byId.has(event.heartbeat_id)) readSoon(event.heartbeat_id)
  })
  onLive('heartbeat.alert', (event) => {
    patch(event.heartbeat_id, (known) => patchAlert(known, event))
    if (!byId.has(event.heartbeat_id)) readSoon(event.heartbeat_id)
  })
  onLive('heartbeat.recovery', (event) => patch(event.heartbeat_id, patchRecovery))
  onLive('heartbeat.created', (event) => readSoon(event.heartbeat_id))
  onLive('heartbeat.updated', (event) => byId.has(event.heartbeat_id) && readSoon(event.heartbeat_id))
  onLive('heartbeat.deleted', (event) => forget(event.heartbeat_id))
  onLive('sync.required', () => void load())
  onScopeDispose(() => clearTimeout(timer))

  return { byId, all, troubled, notLoaded, loaded, error, uptimeDays, load, loadUptime, put, forget }
})
