import { computed, onScopeDispose, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { onLive } from '@/live/live'
import { listChecks } from './api'
import type { Check } from './types'

const PAGE_SIZE = 20
const SETTLE_MS = 1500

/** The latest checks, newest first, page after page; new ones join on top. */
export function useChecks(endpointId: number) {
  const byId = shallowReactive(new Map<number, Check>())
  const checks = computed(() => [...byId.values()].sort((a, b) => b.id - a.id))
  const total = ref(0)
  const loaded = ref(false)
  const loadingMore = ref(false)
  const error = shallowRef<ApiError | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Pages shift while new checks arrive on top, so checks are kept by their id. */
  async function load(offset = 0) {
    try {
      const page = await listChecks(endpointId, offset, PAGE_SIZE)
      // More is new than one page holds: what is known would have a hole.
      if (offset === 0 && page.has_more && !page.checks.some(({ id }) => byId.has(id))) byId.clear()
      for (const check of page.checks) byId.set(check.id, check)
      total.value = page.total
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  async function loadMore() {
    loadingMore.value = true
    await load(byId.size)
    loadingMore.value = false
  }

  onLive('endpoint.check_result', (event) => {
    if (event.endpoint_id !== endpointId) return
    timer ??= setTimeout(() => {
      timer = undefined
      void load()
    }, SETTLE_MS)
  })
  onLive('sync.required', () => void load())
  onScopeDispose(() => clearTimeout(timer))
  void load()

  return { checks, total, hasMore: computed(() => byId.size < total.value), loaded, loadingMore, error, load: () => load(), loadMore }
}
