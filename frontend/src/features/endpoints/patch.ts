import type { Endpoint, EndpointEvents } from './types'

/** What an endpoint looks like after an event; the list is then right without asking the server again. */
export function patchCheck<T extends Endpoint>(endpoint: T, event: EndpointEvents['endpoint.check_result']): T {
  return {
    ...endpoint,
    ...(event.status !== endpoint.status && { status: event.status, status_since: event.timestamp }),
    consecutive_failures: event.success ? 0 : endpoint.consecutive_failures + 1,
    consecutive_successes: event.success ? endpoint.consecutive_successes + 1 : 0,
    last_check_at: event.timestamp,
    last_response_time_ms: event.response_time_ms,
    last_http_status: event.http_status,
    last_error: event.error,
  }
}

export function patchStatus<T extends Endpoint>(endpoint: T, event: EndpointEvents['endpoint.status_changed']): T {
  return {
    ...endpoint,
    status: event.new_status,
    status_since: event.timestamp,
    last_response_time_ms: event.response_time_ms ?? endpoint.last_response_time_ms,
    last_http_status: event.http_status,
    last_error: event.error,
  }
}

export function patchAlert<T extends Endpoint>(endpoint: T, alert_state: Endpoint['alert_state']): T {
  return { ...endpoint, alert_state }
}

const SPARK_LENGTH = 20

/** The latest response times with one more; a failed check is a gap. */
export function extendSpark(known: (number | null)[] | undefined, event: EndpointEvents['endpoint.check_result']): (number | null)[] {
  return [...(known ?? []), event.success ? event.response_time_ms : null].slice(-SPARK_LENGTH)
}
