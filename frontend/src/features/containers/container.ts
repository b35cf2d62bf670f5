import type { Ref } from 'vue'
import { useDetail } from '@/live/detail'
import { onLive } from '@/live/live'
import { getContainer } from './api'
import { patchHealth, patchState } from './patch'

/** One container with its uptime. */
export function useContainer(id: Ref<number>) {
  const { item: container, error, isGone, load, loadSoon, patch } = useDetail(id, getContainer)

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

  return { container, error, isGone, load }
}
