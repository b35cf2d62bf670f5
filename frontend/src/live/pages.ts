import { computed, reactive, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { onLive } from './live'

/** One page as the server says it, by whatever name it calls its rows. */
export interface Page<T> {
  rows: T[]
  total: number
}

/** Rows whose newest has the greatest id, newest first, page after page; `load` lets new ones join on top. */
export function usePages<T extends { id: number }>(read: (offset: number) => Promise<Page<T>>) {
  const byId = shallowReactive(new Map<number, T>())
  const total = ref(0)
  const loaded = ref(false)
  const loadingMore = ref(false)
  const error = shallowRef<ApiError | null>(null)

  /** Pages shift while new rows arrive on top, so rows are kept by their id. */
  async function readPage(offset: number) {
    try {
      const page = await read(offset)
      // More is new than one page holds: between it and what is known would be a hole.
      if (offset === 0 && !page.rows.some(({ id }) => byId.has(id))) byId.clear()
      for (const row of page.rows) byId.set(row.id, row)
      total.value = page.total
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  const load = () => readPage(0)

  async function loadMore() {
    loadingMore.value = true
    await readPage(byId.size)
    loadingMore.value = false
  }

  onLive('sync.required', () => void load())
  void load()

  return reactive({
    rows: computed(() => [...byId.values()].sort((a, b) => b.id - a.id)),
    total,
    hasMore: computed(() => byId.size < total.value),
    loaded,
    loadingMore,
    error,
    load,
    loadMore,
  })
}

/** What a card of pages has to know of them. */
export type Pages = Pick<ReturnType<typeof usePages>, 'total' | 'hasMore' | 'loaded' | 'loadingMore' | 'error' | 'load' | 'loadMore'> & {
  rows: readonly unknown[]
}
