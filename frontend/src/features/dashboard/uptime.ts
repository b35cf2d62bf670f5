import { shallowRef } from 'vue'
import { request } from '@/api/client'
import type { UptimeDays } from '@/api/types'
import { onLive } from '@/live/live'

const FRESH_MS = 15 * 60_000
const DAYS = 90

/** 90 days of uptime of everything of one kind, oldest day first; read when somebody wants to see it. */
export function useUptimeDays(type: 'container' | 'endpoint' | 'heartbeat') {
  const days = shallowRef(new Map<number, (number | null)[]>())
  /** The last of the days. */
  const to = shallowRef('')
  let readAt = 0

  async function load(force = false) {
    if (!force && Date.now() - readAt < FRESH_MS) return
    readAt = Date.now()
    try {
      const answer = await request<UptimeDays>('GET', '/dashboard/uptime', { query: { type, days: DAYS } })
      days.value = new Map(answer.items.map((item) => [item.id, item.days]))
      to.value = answer.to
    } catch {
      // The bars are an extra: the list is still useful without them, and the next visit asks again.
      readAt = 0
    }
  }

  onLive('sync.required', () => readAt && void load(true))

  return { days, to, load }
}
