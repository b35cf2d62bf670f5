import { ref, shallowRef } from 'vue'
import { request, type ApiError } from '@/api/client'
import type { JournalEvent, JournalPage } from '@/api/types'
import { onLive } from '@/live/live'
import type { LiveType } from '@/live/types'
import { feedItem, type FeedItem } from './sentence'

const SHOWN = 30
const TOLD: LiveType[] = [
  'container.state_changed',
  'container.health_changed',
  'container.discovered',
  'container.archived',
  'container.restart_alert',
  'container.restart_recovery',
  'endpoint.alert',
  'endpoint.recovery',
  'endpoint.slow',
  'endpoint.slow_recovery',
  'endpoint.config_error',
  'heartbeat.deadline_missed',
  'heartbeat.alert',
  'heartbeat.recovery',
  'certificate.alert',
  'certificate.recovery',
  'self_health.connectivity_lost',
  'self_health.connectivity_recovered',
]

/** The latest events, newest first: read once, then kept going by the live stream. */
export function useFeed() {
  const items = shallowRef<FeedItem[]>([])
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)
  let unnumbered = 0

  async function load() {
    try {
      const page = await request<JournalPage>('GET', '/events', { query: { limit: SHOWN, types: TOLD.join(',') } })
      const read = page.events.map(feedItem).filter((item) => item !== null)
      // What arrived while the answer was on its way is newer than the answer.
      const known = new Set(read.map((item) => item.id))
      const newest = Number(page.events[0]?.id ?? 0)
      const early = items.value.filter((item) => !known.has(item.id) && Number(item.id) > newest)
      items.value = [...early, ...read].slice(0, SHOWN)
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  function add(event: JournalEvent) {
    const item = feedItem(event)
    if (!item || items.value.some((other) => other.id === item.id)) return
    items.value = [item, ...items.value].slice(0, SHOWN)
  }

  for (const type of TOLD) {
    onLive(type, (data, journalId) => {
      const fields = data as unknown as Record<string, unknown>
      const id = journalId ?? -++unnumbered
      add({ id, type, timestamp: String(fields.timestamp), data: fields })
    })
  }
  onLive('sync.required', () => void load())
  void load()

  return { items, loaded, error, load }
}
