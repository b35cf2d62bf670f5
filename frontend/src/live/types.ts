import type { Alert, Container, ContainerState, HealthStatus, Silence } from '@/api/types'
import type { CertificateEvents } from '@/features/certificates/types'
import type { Channel } from '@/features/channels/types'
import type { EndpointEvents } from '@/features/endpoints/types'
import type { HeartbeatEvents } from '@/features/heartbeats/types'
import type { Webhook } from '@/features/webhooks/types'

interface AboutContainer {
  container_id: number
  container_name: string
  timestamp: string
}

/** What the server pushes, by event name. */
export interface LiveEvents extends EndpointEvents, HeartbeatEvents, CertificateEvents {
  'container.state_changed': AboutContainer & {
    state: ContainerState
    previous_state: ContainerState | null
    health_status: HealthStatus | null
    exit_code: number | null
    error_detail: string | null
    restarts: number
    reconciled: boolean
  }
  'container.health_changed': AboutContainer & {
    health_status: HealthStatus | null
    previous_health: HealthStatus | null
  }
  'container.discovered': AboutContainer & Container
  'container.updated': AboutContainer & Container
  'container.archived': AboutContainer & { archived_at: string | null; deleted: boolean }
  'container.restart_alert': AboutContainer & {
    restart_count: number
    threshold: number
    severity: string
  }
  'container.restart_recovery': AboutContainer
  'alert.fired': Alert
  'alert.updated': Alert
  'alert.silenced': Alert
  'alert.unsilenced': Alert
  'alert.acknowledged': Alert
  'alert.resolved': Alert
  'silence.created': Silence
  'silence.cancelled': { id: number }
  'silence.expired': { id: number }
  'channel.created': Channel
  'channel.updated': Channel
  'channel.deleted': { id: number }
  'webhook.created': Webhook
  'webhook.updated': Webhook
  'webhook.deleted': { id: string }
  'webhook.disabled': { id: string; name: string; failure_count: number; last_error: string | null }
  'runtime.status': { connected: boolean; name: string; label: string; error: string | null; timestamp: string }
  'sync.required': Record<string, unknown>
}

export type LiveType = keyof LiveEvents

export type LiveEvent = {
  [T in LiveType]: {
    type: T
    data: LiveEvents[T]
    /** Number in the server's journal; events that are not journalled have none. */
    journalId: number | null
  }
}[LiveType]

export type LiveStatus = 'connecting' | 'connected' | 'reconnecting'

const NAMES: Record<LiveType, true> = {
  'container.state_changed': true,
  'container.health_changed': true,
  'container.discovered': true,
  'container.updated': true,
  'container.archived': true,
  'container.restart_alert': true,
  'container.restart_recovery': true,
  'alert.fired': true,
  'alert.updated': true,
  'alert.silenced': true,
  'alert.unsilenced': true,
  'alert.acknowledged': true,
  'alert.resolved': true,
  'silence.created': true,
  'silence.cancelled': true,
  'silence.expired': true,
  'channel.created': true,
  'channel.updated': true,
  'channel.deleted': true,
  'webhook.created': true,
  'webhook.updated': true,
  'webhook.deleted': true,
  'webhook.disabled': true,
  'endpoint.check_result': true,
  'endpoint.status_changed': true,
  'endpoint.discovered': true,
  'endpoint.updated': true,
  'endpoint.removed': true,
  'endpoint.alert': true,
  'endpoint.recovery': true,
  'endpoint.slow': true,
  'endpoint.slow_recovery': true,
  'endpoint.config_error': true,
  'self_health.connectivity_lost': true,
  'self_health.connectivity_recovered': true,
  'heartbeat.created': true,
  'heartbeat.updated': true,
  'heartbeat.deleted': true,
  'heartbeat.status_changed': true,
  'heartbeat.deadline_missed': true,
  'heartbeat.alert': true,
  'heartbeat.recovery': true,
  'heartbeat.pinged': true,
  'certificate.created': true,
  'certificate.updated': true,
  'certificate.deleted': true,
  'certificate.check_completed': true,
  'certificate.status_changed': true,
  'certificate.alert': true,
  'certificate.recovery': true,
  'runtime.status': true,
  'sync.required': true,
}

export const LIVE_TYPES = Object.keys(NAMES) as LiveType[]

/** The one place that turns text from the wire into an event; what it cannot read is dropped. */
export function parseLiveEvent(type: LiveType, text: string, lastEventId: string): LiveEvent | null {
  try {
    const data: unknown = JSON.parse(text)
    if (typeof data !== 'object' || data === null) return null
    return { type, data, journalId: /^\d+$/.test(lastEventId) ? Number(lastEventId) : null } as LiveEvent
  } catch {
    return null
  }
}
