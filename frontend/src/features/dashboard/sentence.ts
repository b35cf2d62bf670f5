import type { JournalEvent } from '@/api/types'
import { placeOf, problemTone } from '@/features/certificates/standing'
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
  /** The page of what it is about, when there is one. */
  to: string | null
  containerId: number | null
  endpointId: number | null
  name: string
  /** Worked out later, because it happened while nobody was watching. */
  reconciled: boolean
}

type Data<T extends LiveType> = LiveEvents[T]

/** Events are told as sentences; those that say nothing to a person (a label changed) are left out. */
export function feedItem(event: JournalEvent): FeedItem | null {
  const told = tell(event)
  if (!told) return null
  const data = event.data as Partial<About>
  const { hostname, port } = data
  const place = hostname && port ? placeOf({ hostname, port }) : hostname
  const name = String(data.container_name || place || data.target || data.name || '')
  return {
    id: String(event.id),
    key: `event.${told.key}`,
    values: { name, ...told.values },
    tone: told.tone,
    at: event.timestamp,
    to: told.key === 'deleted' ? null : pageOf(data),
    containerId: data.container_id ?? null,
    endpointId: data.endpoint_id ?? null,
    name,
    reconciled: data.reconciled === true,
  }
}

/** What events of different kinds say about who it is. */
type About = Pick<Data<'container.state_changed'>, 'container_id' | 'container_name' | 'reconciled'> &
  Pick<Data<'endpoint.alert'>, 'endpoint_id' | 'target'> &
  Pick<Data<'heartbeat.alert'>, 'heartbeat_id' | 'name'> &
  Pick<Data<'certificate.alert'>, 'monitor_id' | 'hostname' | 'port'>

function pageOf(about: Partial<About>): string | null {
  const { endpoint_id: endpoint, heartbeat_id: heartbeat, monitor_id: certificate, container_id: container } = about
  if (endpoint) return `/endpoints/${endpoint}`
  if (heartbeat) return `/heartbeats/${heartbeat}`
  if (certificate) return `/certificates/${certificate}`
  return container ? `/containers/${container}` : null
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
    case 'endpoint.alert':
      return { key: 'endpoint_down', tone: 'bad' }
    case 'endpoint.recovery':
      return { key: 'endpoint_up', tone: 'ok' }
    case 'endpoint.slow':
      return { key: 'endpoint_slow', tone: 'warn' }
    case 'endpoint.slow_recovery':
      return { key: 'endpoint_fast', tone: 'ok' }
    case 'endpoint.config_error':
      return { key: 'endpoint_config_error', tone: 'warn' }
    case 'heartbeat.deadline_missed':
      return { key: 'heartbeat_missed', tone: 'bad' }
    case 'heartbeat.alert': {
      const { alert_type: problem, exit_code: code } = event.data as unknown as Data<'heartbeat.alert'>
      if (problem === 'overrun') return { key: 'heartbeat_overrun', tone: 'warn' }
      return code === null ? { key: 'heartbeat_failed', tone: 'bad' } : { key: 'heartbeat_failed_code', tone: 'bad', values: { code } }
    }
    case 'heartbeat.recovery':
      return { key: 'heartbeat_recovered', tone: 'ok' }
    case 'certificate.alert': {
      const { alert_type: problem } = event.data as unknown as Data<'certificate.alert'>
      return { key: `certificate_${problem}`, tone: problemTone(problem) }
    }
    case 'certificate.recovery':
      return { key: event.data.renewed ? 'certificate_renewed' : 'certificate_fine', tone: 'ok' }
    case 'self_health.connectivity_lost':
      return { key: 'connectivity_lost', tone: 'warn' }
    case 'self_health.connectivity_recovered':
      return { key: 'connectivity_recovered', tone: 'ok' }
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
