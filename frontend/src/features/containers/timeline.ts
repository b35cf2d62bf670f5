import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import type { ApiError } from '@/api/client'
import type { Transition } from '@/api/types'
import { onLive } from '@/live/live'
import { listTransitions } from './api'

export const RANGES = ['24h', '7d', '30d', 'all'] as const
export type Range = (typeof RANGES)[number]

const HOUR_MS = 3_600_000
const LENGTH_MS: Record<Exclude<Range, 'all'>, number> = { '24h': 24 * HOUR_MS, '7d': 168 * HOUR_MS, '30d': 720 * HOUR_MS }
const PAGE_SIZE = 50
const SETTLE_MS = 250

export function sinceOf(range: Range, now: number): string {
  return new Date(range === 'all' ? 0 : now - LENGTH_MS[range]).toISOString()
}

/** What is known already and what was just read, newest first and each once. */
export function mergeTransitions(known: Transition[], read: Transition[]): Transition[] {
  const byId = new Map([...known, ...read].map((transition) => [transition.id, transition]))
  return [...byId.values()].sort((a, b) => b.timestamp.localeCompare(a.timestamp) || b.id - a.id)
}

/** The history of one container over a range; new transitions join at the top as they happen. */
export function useTimeline(containerId: number, range: Ref<Range>) {
  const transitions = shallowRef<Transition[]>([])
  const total = ref(0)
  const hasMore = ref(false)
  const loaded = ref(false)
  const loadingMore = ref(false)
  const error = shallowRef<ApiError | null>(null)
  let since = ''
  let timer: ReturnType<typeof setTimeout> | undefined

  async function read(offset: number) {
    const wanted = since
    try {
      const page = await listTransitions(containerId, since, offset, PAGE_SIZE)
      if (wanted !== since) return
      transitions.value = mergeTransitions(transitions.value, page.transitions)
      total.value = page.total
      hasMore.value = transitions.value.length < page.total
      loaded.value = true
      error.value = null
    } catch (cause) {
      if (wanted === since) error.value = cause as ApiError
    }
  }

  function load() {
    since = sinceOf(range.value, Date.now())
    transitions.value = []
    loaded.value = false
    error.value = null
    return read(0)
  }

  async function loadMore() {
    loadingMore.value = true
    await read(transitions.value.length)
    loadingMore.value = false
  }

  function refresh() {
    clearTimeout(timer)
    timer = setTimeout(() => void read(0), SETTLE_MS)
  }

  watch(range, load, { immediate: true })
  onLive('container.state_changed', (event) => event.container_id === containerId && refresh())
  onLive('container.health_changed', (event) => event.container_id === containerId && refresh())
  onLive('sync.required', refresh)
  onScopeDispose(() => clearTimeout(timer))

  return { transitions, total, hasMore, loaded, loadingMore, error, load, loadMore }
}
