import type { Ref } from 'vue'
import { useDetail } from '@/live/detail'
import { onLive } from '@/live/live'
import { getHeartbeat } from './api'
import { patchAlert, patchMissed, patchPing, patchRecovery, patchStatus } from './patch'
import { useReports } from './reports'
import type { Heartbeat } from './types'

/** One heartbeat with texts to ping it. Events change it at once; a fresh answer of the server follows. */
export function useHeartbeat(id: Ref<number>) {
  const { item: detail, error, isGone, load, loadSoon, patch } = useDetail(id, getHeartbeat)

  function put(heartbeat: Heartbeat) {
    if (detail.value && heartbeat.id === id.value) detail.value = { ...detail.value, heartbeat }
  }

  function change(about: number, by: (known: Heartbeat) => Heartbeat) {
    if (detail.value && about === id.value) put(by(detail.value.heartbeat))
  }

  useReports(() => id.value, load)
  onLive('heartbeat.pinged', (event) => change(event.heartbeat_id, (known) => patchPing(known, event)))
  onLive('heartbeat.status_changed', (event) => change(event.heartbeat_id, (known) => patchStatus(known, event)))
  onLive('heartbeat.deadline_missed', (event) => change(event.heartbeat_id, (known) => patchMissed(known, event)))
  onLive('heartbeat.alert', (event) => change(event.heartbeat_id, (known) => patchAlert(known, event)))
  onLive('heartbeat.recovery', (event) => change(event.heartbeat_id, patchRecovery))
  onLive('heartbeat.updated', (event) => patch(event.heartbeat_id, (known) => known))
  onLive('heartbeat.deleted', (event) => event.heartbeat_id === id.value && loadSoon())

  return { detail, error, isGone, load, put }
}
