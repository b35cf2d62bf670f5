import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { previewSchedule } from './api'
import type { SchedulePreview } from './types'

const TYPING_MS = 350

/** The next runs of a schedule while it is being typed, or what is wrong with it. */
export function usePreview(wanted: () => { schedule: string; timezone: string } | null) {
  const preview = shallowRef<SchedulePreview | null>(null)
  const failure = shallowRef<unknown>(null)
  const loading = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  async function ask(schedule: string, timezone: string) {
    const mine = ++asked
    try {
      const answer = await previewSchedule(schedule, timezone)
      if (mine !== asked) return
      preview.value = answer
      failure.value = null
    } catch (cause) {
      if (mine !== asked) return
      preview.value = null
      failure.value = cause
    }
    loading.value = false
  }

  watch(
    () => JSON.stringify(wanted()),
    () => {
      clearTimeout(timer)
      asked += 1
      const now = wanted()
      loading.value = now !== null
      if (now) timer = setTimeout(() => void ask(now.schedule, now.timezone), TYPING_MS)
      else preview.value = failure.value = null
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))

  return { preview, failure, loading }
}
