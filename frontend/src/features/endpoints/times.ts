import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import type { ApiError } from '@/api/client'
import { onLive } from '@/live/live'
import { getResponseTimes } from './api'
import type { ResponseRange, ResponseTimes } from './types'

const LEAST_MS = 10_000

/** Response times over a range. New checks are drawn as often as they make a new step, and not more often. */
export function useResponseTimes(id: number, range: Ref<ResponseRange>) {
  const times = shallowRef<ResponseTimes | null>(null)
  const error = shallowRef<ApiError | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load() {
    clearTimeout(timer)
    timer = undefined
    const wanted = range.value
    try {
      const answer = await getResponseTimes(id, wanted)
      if (wanted !== range.value) return
      times.value = answer
      error.value = null
    } catch (cause) {
      if (wanted === range.value) error.value = cause as ApiError
    }
  }

  watch(range, load, { immediate: true })
  onLive('endpoint.check_result', (event) => {
    if (event.endpoint_id !== id) return
    timer ??= setTimeout(() => void load(), Math.max(LEAST_MS, (times.value?.step_seconds ?? 0) * 1000))
  })
  onLive('sync.required', () => void load())
  onScopeDispose(() => clearTimeout(timer))

  return { times, error, load }
}
