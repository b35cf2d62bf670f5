import { onScopeDispose } from 'vue'
import { onLive } from '@/live/live'
import type { LiveType } from '@/live/types'

const LEAST_MS = 1000
const TELLING = ['heartbeat.pinged', 'heartbeat.status_changed', 'heartbeat.deadline_missed', 'heartbeat.alert'] as const satisfies readonly LiveType[]

/** Calls `load` after news of a heartbeat, once a second at most however often it is pinged. */
export function useReports(heartbeatId: () => number, load: () => unknown) {
  let timer: ReturnType<typeof setTimeout> | undefined
  for (const type of TELLING) {
    onLive(type, (event) => {
      if (event.heartbeat_id !== heartbeatId()) return
      timer ??= setTimeout(() => {
        timer = undefined
        void load()
      }, LEAST_MS)
    })
  }
  onScopeDispose(() => clearTimeout(timer))
}
