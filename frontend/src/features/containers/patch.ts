import type { Container } from '@/api/types'
import { UNGROUPED } from '@/lib/group'
import type { LiveEvents } from '@/live/types'

/** What a container looks like after an event; the list is then right without asking the server again. */
export function patchState<T extends Container>(container: T, event: LiveEvents['container.state_changed']): T {
  const isStart = event.state === 'running' && container.state !== 'running'
  const isEnd = event.state === 'exited' || event.state === 'completed' || event.state === 'dead'
  return {
    ...container,
    state: event.state,
    health_status: event.health_status,
    exit_code: event.exit_code,
    error_detail: event.error_detail,
    restart_count: container.restart_count + (event.restarts || 0),
    last_state_change_at: event.timestamp,
    started_at: isStart ? event.timestamp : container.started_at,
    finished_at: isEnd ? event.timestamp : container.finished_at,
    missing_since: null,
  }
}

export function patchHealth<T extends Container>(container: T, event: LiveEvents['container.health_changed']): T {
  return { ...container, health_status: event.health_status }
}

/** The group of a container that arrived by event: the same order of choice as the server's list. */
export function groupName(container: Container): string {
  return container.custom_group ?? container.orchestration_group ?? container.namespace ?? UNGROUPED
}
