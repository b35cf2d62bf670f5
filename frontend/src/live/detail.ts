import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { ApiError } from '@/api/client'
import { onLive } from './live'

const SETTLE_MS = 700

/** One thing by its id: events change it at once through `patch`, and a fresh answer of the server follows. */
export function useDetail<T>(id: Ref<number>, read: (id: number) => Promise<T>) {
  const item = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const isGone = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load() {
    const wanted = id.value
    try {
      const answer = await read(wanted)
      if (wanted !== id.value) return
      item.value = answer
      error.value = null
    } catch (cause) {
      if (wanted !== id.value) return
      isGone.value = cause instanceof ApiError && cause.status === 404
      if (isGone.value) item.value = null
      error.value = cause as ApiError
    }
  }

  /** Events come in bursts; one question at their end is enough. */
  function loadSoon() {
    clearTimeout(timer)
    timer = setTimeout(() => void load(), SETTLE_MS)
  }

  function patch(about: number, change: (known: T) => T) {
    if (about !== id.value) return
    if (item.value) item.value = change(item.value)
    loadSoon()
  }

  watch(
    id,
    () => {
      item.value = null
      isGone.value = false
      void load()
    },
    { immediate: true },
  )
  onLive('sync.required', () => void load())
  onScopeDispose(() => clearTimeout(timer))

  return { item, error, isGone, load, loadSoon, patch }
}
