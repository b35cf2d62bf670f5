import { onScopeDispose } from 'vue'
import { onLive } from '@/live/live'
import { usePages } from '@/live/pages'
import { listChecks } from './api'

const PAGE_SIZE = 20
const SETTLE_MS = 1500

/** The latest checks, newest first; new ones join on top. */
export function useChecks(endpointId: number) {
  const pages = usePages(async (offset) => {
    const { checks, total } = await listChecks(endpointId, offset, PAGE_SIZE)
    return { rows: checks, total }
  })
  let timer: ReturnType<typeof setTimeout> | undefined

  onLive('endpoint.check_result', (event) => {
    if (event.endpoint_id !== endpointId) return
    timer ??= setTimeout(() => {
      timer = undefined
      void pages.load()
    }, SETTLE_MS)
  })
  onScopeDispose(() => clearTimeout(timer))

  return pages
}
