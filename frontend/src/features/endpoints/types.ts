/** Names of this feature for what the server speaks; `src/tocsin/endpoints/models.py` says what each field means. */

export type EndpointType = 'http' | 'tcp' | 'dns' | 'icmp'
export type EndpointStatus = 'up' | 'degraded' | 'down' | 'unknown'
export type EndpointSource = 'label' | 'standalone'
export type ResponseRange = '1h' | '24h' | '7d' | '30d' | '90d'

export interface EndpointConfig {
  interval: string
  timeout: string
  failure_threshold: number
  recovery_threshold: number
  degraded_after: string | null
  method: string
  expected_status: string
  tls_verify: boolean
  headers: Record<string, string>
  body: string | null
  max_redirects: number
  body_contains: string | null
  body_not_contains: string | null
  body_matches: string | null
  json_path: string | null
  json_equals: string | null
  header_name: string | null
  header_contains: string | null
  certificate_days: number | null
  send: string | null
  expect: string | null
  record_type: string
  record_contains: string | null
  resolver: string | null
}

export interface Endpoint {
  id: number
  name: string | null
  container_id: number | null
  container_name: string
  host: string | null
  label_key: string
  external_id: string
  endpoint_type: EndpointType
  target: string
  status: EndpointStatus
  alert_state: 'normal' | 'alerting'
  consecutive_failures: number
  consecutive_successes: number
  last_check_at: string | null
  last_response_time_ms: number | null
  last_http_status: number | null
  last_error: string | null
  status_since: string | null
  config: EndpointConfig
  active: boolean
  paused: boolean
  paused_at: string | null
  suspended: boolean
  first_seen_at: string
  last_seen_at: string
  next_check_at: string | null
  orchestration_group: string | null
  orchestration_unit: string | null
  source: EndpointSource
  badge_key: string
}

export interface EndpointPage {
  endpoints: Endpoint[]
  total: number
  has_more: boolean
}

export interface EndpointAnswer {
  endpoint: Endpoint
}

export interface EndpointDetail extends EndpointAnswer {
  uptime: Record<ResponseRange, number | null>
}

export type EndpointOptions = Partial<EndpointConfig>
export type NewEndpoint = EndpointOptions & { name: string; target: string; endpoint_type: EndpointType }
export type EndpointChange = Partial<NewEndpoint>
export type Trial = EndpointOptions & { target: string; endpoint_type: EndpointType; endpoint_id?: number }

export interface Phases {
  dns_ms: number | null
  connect_ms: number | null
  tls_ms: number | null
  first_byte_ms: number | null
  total_ms: number
}

export interface Evidence {
  expected: string | null
  got: string | null
  address: string | null
  http_version: string | null
  headers: Record<string, string>
  body_excerpt: string | null
}

/** What one check found. */
export interface Finding {
  success: boolean
  status: EndpointStatus
  response_time_ms: number
  http_status: number | null
  error_message: string | null
  phases: Phases
}

export type Check = Finding & { id: number; endpoint_id: number; timestamp: string }
export type TrialAnswer = Finding & { evidence: Evidence }

export interface CheckPage {
  endpoint_id: number
  checks: Check[]
  total: number
  has_more: boolean
}

export interface EndpointDays {
  monitor_id: number
  monitor_type: string
  /** Today first. */
  days: { date: string; uptime_percent: number | null; incident_count: number }[]
}

export interface ResponsePoint {
  timestamp: string
  checks: number
  failures: number
  average_ms: number | null
  p50_ms: number | null
  p95_ms: number | null
  p99_ms: number | null
  max_ms: number | null
  dns_ms: number | null
  connect_ms: number | null
  tls_ms: number | null
  first_byte_ms: number | null
}

export interface ResponseTimes {
  endpoint_id: number
  range: ResponseRange
  step_seconds: number
  points: ResponsePoint[]
  overall: ResponsePoint | null
}

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
