import type { JournalEvent } from '@/api/types'
import type { LiveEvents, LiveType } from '@/live/types'
import { stateTone, healthTone, type Tone } from '@/lib/tone'
import { isOutOfMemory } from '@/features/containers/problems'

/** One line of the feed: a key of the locale files with its values, and where it leads. */
export interface FeedItem {
  id: string
  key: string
  values: Record<string, string | number>
  tone: Tone
  at: string
  containerId: number | null
  name: string
  /** Worked out later, because it happened while nobody was watching. */
  reconciled: boolean
}

type Data<T extends LiveType> = LiveEvents[T]

/** Events are told as sentences; those that say nothing to a person (a label changed) are left out. */
export function feedItem(event: JournalEvent): FeedItem | null {
  const told = tell(event)
  if (!told) return null
  const data = event.data as Partial<Data<'container.state_changed'>>
  const name = String(data.container_name ?? '')
  return {
    id: String(event.id),
    key: `event.${told.key}`,
    values: { name, ...told.values },
    tone: told.tone,
    at: event.timestamp,
    containerId: event.type === 'container.archived' && told.key === 'deleted' ? null : (data.container_id ?? null),
    name,
    reconciled: data.reconciled === true,
  }
}

function tell(event: JournalEvent): { key: string; tone: Tone; values?: Record<string, string | number> } | null {
  switch (event.type) {
    case 'container.state_changed':
      return tellState(event.data as unknown as Data<'container.state_changed'>)
    case 'container.health_changed': {
      const { health_status: health } = event.data as unknown as Data<'container.health_changed'>
      return health && { key: `health_${health}`, tone: healthTone(health) }
    }
    case 'container.discovered':
      return { key: 'discovered', tone: 'info' }
    case 'container.archived':
      return { key: event.data.deleted ? 'deleted' : 'archived', tone: 'idle' }
    case 'container.restart_alert': {
      const { restart_count: count } = event.data as unknown as Data<'container.restart_alert'>
      return { key: 'restart_loop', tone: 'bad', values: { count } }
    }
    case 'container.restart_recovery':
      return { key: 'restart_recovered', tone: 'ok' }
    default:
      return null
  }
}

function tellState(data: Data<'container.state_changed'>): { key: string; tone: Tone; values?: Record<string, number> } {
  const { state, exit_code: code } = data
  const tone = stateTone(state, code)
  if (state === 'running' && data.restarts > 0) return { key: 'restarted', tone: 'warn' }
  if (state === 'running') return { key: data.previous_state === 'paused' ? 'resumed' : 'started', tone }
  if (state !== 'exited') return { key: state, tone }
  if (isOutOfMemory(data.error_detail)) return { key: 'exited_oom', tone }
  return code === null ? { key: 'exited', tone } : { key: 'exited_code', tone, values: { code } }
}
