/** Names of this feature for what the server's document defines. */
import type { components } from '@/api/schema'

type Schemas = components['schemas']

export type EndpointType = Schemas['EndpointType']
export type EndpointStatus = Schemas['EndpointStatus']
export type EndpointSource = Schemas['EndpointSource']
export type ResponseRange = Schemas['ResponseRange']
export type EndpointConfig = Schemas['ConfigView']
export type Endpoint = Schemas['EndpointView']
export type EndpointPage = Schemas['EndpointList']
export type EndpointAnswer = Schemas['EndpointAnswer']
export type EndpointDetail = Schemas['EndpointDetail']
export type NewEndpoint = Schemas['NewEndpoint']
export type EndpointChange = Schemas['EndpointChange']
export type EndpointOptions = Omit<NewEndpoint, 'name' | 'target' | 'endpoint_type'>
export type Trial = Omit<Schemas['Trial'], 'endpoint_id'> & { endpoint_id?: number | null }
export type TrialAnswer = Schemas['TrialAnswer']
export type Phases = Schemas['PhasesView']
export type Check = Schemas['CheckView']
export type CheckPage = Schemas['CheckList']
export type EndpointDays = Schemas['EndpointDays']
export type ResponsePoint = Schemas['ResponsePoint']
export type ResponseTimes = Schemas['ResponseTimes']

/** In the order in which people choose and care. */
export const ENDPOINT_TYPES = ['http', 'tcp', 'dns', 'icmp'] as const satisfies readonly EndpointType[]
export const ENDPOINT_STATUSES = ['down', 'degraded', 'up', 'unknown'] as const satisfies readonly EndpointStatus[]
export const ENDPOINT_SOURCES = ['label', 'standalone'] as const satisfies readonly EndpointSource[]
export const RANGES = ['1h', '24h', '7d', '30d', '90d'] as const satisfies readonly ResponseRange[]
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT', 'CAA'] as const

interface AboutEndpoint {
  endpoint_id: number
  container_name: string
  target: string
  timestamp: string
}

interface Renewed {
  endpoint_type: EndpointType
  source: EndpointSource
  name: string | null
}

/** What the server pushes about endpoints, by event name. */
export interface EndpointEvents {
  'endpoint.check_result': AboutEndpoint & {
    success: boolean
    status: EndpointStatus
    response_time_ms: number
    http_status: number | null
    error: string | null
  }
  'endpoint.status_changed': AboutEndpoint & {
    previous_status: EndpointStatus
    new_status: EndpointStatus
    response_time_ms: number | null
    http_status: number | null
    error: string | null
  }
  'endpoint.discovered': AboutEndpoint & Renewed
  'endpoint.updated': AboutEndpoint & Renewed & { paused: boolean; suspended: boolean }
  'endpoint.removed': AboutEndpoint & { reason: 'label_removed' | 'container_destroyed' | 'user_deleted' }
  'endpoint.alert': AboutEndpoint & {
    consecutive_failures: number
    threshold: number
    last_error: string
    since: string
    evidence: Record<string, unknown>
  }
  'endpoint.recovery': AboutEndpoint & { consecutive_successes: number; threshold: number }
  'endpoint.slow': AboutEndpoint & {
    consecutive_slow: number
    threshold: number
    response_time_ms: number
    degraded_after_ms: number
  }
  'endpoint.slow_recovery': AboutEndpoint & { response_time_ms: number }
  'endpoint.config_error': {
    endpoint_id: null
    container_id: number
    container_name: string
    label_key: string
    error: string
    timestamp: string
  }
  'self_health.connectivity_lost': { scope: Scope; error: string; endpoint_count: number; timestamp: string }
  'self_health.connectivity_recovered': { scope: Scope; lost_seconds: number; timestamp: string }
}

export type Scope = 'internet' | 'local' | 'dns'
