import { onScopeDispose, type Ref } from 'vue'
import { useDetail } from '@/live/detail'
import { onLive } from '@/live/live'
import { getEndpoint } from './api'
import { patchAlert, patchCheck, patchStatus } from './patch'
import type { Endpoint, EndpointDetail } from './types'

/** Every check moves the uptime a little; nobody needs to see each of these steps. */
const REFRESH_MS = 30_000

/** One endpoint with its uptime. */
export function useEndpoint(id: Ref<number>) {
  const { item: detail, error, isGone, load, loadSoon, patch } = useDetail(id, getEndpoint)

  const inside = (change: (known: Endpoint) => Endpoint) => (known: EndpointDetail) => ({ ...known, endpoint: change(known.endpoint) })

  function put(endpoint: Endpoint) {
    if (detail.value && endpoint.id === id.value) detail.value = { ...detail.value, endpoint }
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  onLive('endpoint.check_result', (event) => {
    if (event.endpoint_id !== id.value || !detail.value) return
    put(patchCheck(detail.value.endpoint, event))
    timer ??= setTimeout(() => {
      timer = undefined
      void load()
    }, REFRESH_MS)
  })
  onScopeDispose(() => clearTimeout(timer))
  onLive('endpoint.status_changed', (event) => patch(event.endpoint_id, inside((known) => patchStatus(known, event))))
  onLive('endpoint.alert', (event) => patch(event.endpoint_id, inside((known) => patchAlert(known, 'alerting'))))
  onLive('endpoint.recovery', (event) => patch(event.endpoint_id, inside((known) => patchAlert(known, 'normal'))))
  onLive('endpoint.discovered', (event) => patch(event.endpoint_id, (known) => known))
  onLive('endpoint.updated', (event) => patch(event.endpoint_id, (known) => known))
  onLive('endpoint.removed', (event) => event.endpoint_id === id.value && loadSoon())

  return { detail, error, isGone, load, put }
}
