import { mount, type MountingOptions } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import type { Component } from 'vue'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { Container } from '@/api/types'
import type { CertificateItem } from '@/features/certificates/types'
import type { Endpoint } from '@/features/endpoints/types'
import type { Heartbeat } from '@/features/heartbeats/types'
import en from '@/locales/en.json'

/** Mounts a component as the app would: English texts, stores, a router in memory at `path`. */
export async function mountApp(component: Component, options: MountingOptions<unknown> = {}, path = '/') {
  const pinia = createPinia()
  setActivePinia(pinia)
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:anything(.*)*', component: { template: '<div />' } }],
  })
  await router.push(path)
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en } })
  const global = { ...options.global, plugins: [pinia, i18n, router] }
  return { wrapper: mount(component, { ...options, global } as never), router }
}

let lastId = 0

export function aContainer(part: Partial<Container> = {}): Container {
  const id = part.id ?? ++lastId
  return {
    id,
    host: 'local',
    external_id: 'a'.repeat(64),
    name: `web-${id}`,
    image: 'nginx:1.27',
    state: 'running',
    health_status: null,
    has_health_check: false,
    orchestration_group: null,
    orchestration_unit: null,
    custom_group: null,
    is_ignored: false,
    alert_severity: 'warning',
    restart_threshold: 3,
    restart_window_seconds: 600,
    alert_channels: null,
    depends_on: [],
    archived: false,
    archived_at: null,
    first_seen_at: '2026-03-01T08:00:00.000Z',
    last_state_change_at: '2026-03-04T09:00:00.000Z',
    started_at: '2026-03-04T09:00:00.000Z',
    finished_at: null,
    exit_code: null,
    restart_count: 0,
    restart_loop: false,
    missing_since: null,
    stale_since: null,
    runtime_type: 'docker',
    error_detail: null,
    controller_kind: null,
    namespace: null,
    pod_count: 1,
    ready_count: 1,
    compose_working_dir: null,
    swarm_service_id: null,
    swarm_service_name: null,
    swarm_service_mode: null,
    swarm_node_id: null,
    swarm_task_slot: null,
    swarm_desired_replicas: null,
    security_insight_count: 0,
    security_highest_severity: null,
    ...part,
  }
}

export function anEndpoint(part: Partial<Endpoint> = {}): Endpoint {
  const id = part.id ?? ++lastId
  return {
    id,
    name: `site-${id}`,
    container_id: null,
    container_name: '',
    host: null,
    label_key: '',
    external_id: '',
    endpoint_type: 'http',
    target: `https://site-${id}.example/health`,
    status: 'up',
    alert_state: 'normal',
    consecutive_failures: 0,
    consecutive_successes: 412,
    last_check_at: '2026-03-04T09:14:45.000Z',
    last_response_time_ms: 12,
    last_http_status: 200,
    last_error: null,
    status_since: '2026-03-03T09:00:00.000Z',
    config: {
      interval: '30s',
      timeout: '10s',
      failure_threshold: 3,
      recovery_threshold: 2,
      degraded_after: null,
      method: 'GET',
      expected_status: '2xx',
      tls_verify: true,
      headers: {},
      body: null,
      max_redirects: 5,
      body_contains: null,
      body_not_contains: null,
      body_matches: null,
      json_path: null,
      json_equals: null,
      header_name: null,
      header_contains: null,
      certificate_days: null,
      send: null,
      expect: null,
      record_type: 'A',
      record_contains: null,
      resolver: null,
    },
    active: true,
    paused: false,
    paused_at: null,
    suspended: false,
    first_seen_at: '2026-02-11T07:58:05.000Z',
    last_seen_at: '2026-03-03T22:10:31.000Z',
    next_check_at: '2026-03-04T09:15:15.000Z',
    orchestration_group: null,
    orchestration_unit: null,
    source: 'standalone',
    badge_key: 'k3yk3yk3y',
    ...part,
  }
}

export function aCertificate(part: Partial<CertificateItem> = {}): CertificateItem {
  const id = part.id ?? ++lastId
  const hostname = part.hostname ?? `site-${id}.example`
  return {
    id,
    hostname,
    port: 443,
    protocol: 'tls',
    source: 'standalone',
    endpoint_id: null,
    container_names: [],
    status: 'valid',
    problems: [],
    check_interval_seconds: 43_200,
    warning_thresholds: [30, 14, 7, 3, 1],
    warn_at_lifetime_percent: 33,
    accept_untrusted: false,
    last_alerted_threshold: null,
    last_check_at: '2026-03-04T06:00:02.000Z',
    next_check_at: '2026-03-04T18:00:02.000Z',
    last_error: null,
    external_id: null,
    created_at: '2025-11-02T12:00:00.000Z',
    days_remaining: 61,
    latest_check: {
      id: id * 10,
      monitor_id: id,
      checked_at: '2026-03-04T06:00:02.000Z',
      subject_cn: hostname,
      issuer_cn: 'R11',
      issuer_org: "Let's Encrypt",
      sans: [hostname],
      serial_number: '4c9e21b07d',
      fingerprint_sha256: 'ab'.repeat(32),
      signature_algorithm: 'SHA256-RSA',
      key_type: 'EC P-256',
      tls_version: 'TLS 1.3',
      weakness: null,
      not_before: '2026-02-03T00:00:00.000Z',
      not_after: '2026-05-04T00:00:00.000Z',
      days_remaining: 61,
      chain_valid: true,
      chain_fault: null,
      chain_error: null,
      hostname_match: true,
      error_message: null,
    },
    ...part,
  }
}

export function aHeartbeat(part: Partial<Heartbeat> = {}): Heartbeat {
  const id = part.id ?? ++lastId
  return {
    id,
    uuid: `b0a7f3c2-0000-4000-8000-${String(id).padStart(12, '0')}`,
    ping_url: `https://tocsin.example/ping/b0a7f3c2-0000-4000-8000-${String(id).padStart(12, '0')}`,
    name: `job-${id}`,
    slug: `job-${id}`,
    tags: [],
    status: 'up',
    alert_state: 'normal',
    problems: [],
    interval_seconds: 300,
    grace_seconds: 60,
    schedule: null,
    timezone: 'UTC',
    max_duration_seconds: null,
    expected_pings: 1,
    post_only: false,
    start_keywords: [],
    success_keywords: [],
    failure_keywords: [],
    last_ping_at: '2026-03-04T09:10:00.000Z',
    next_expected_at: '2026-03-04T09:15:00.000Z',
    next_deadline_at: '2026-03-04T09:16:00.000Z',
    current_run_started_at: null,
    last_exit_code: null,
    last_duration_ms: null,
    consecutive_failures: 0,
    consecutive_successes: 12,
    active: true,
    created_at: '2026-02-11T07:58:05.000Z',
    updated_at: '2026-02-11T07:58:05.000Z',
    ...part,
  }
}
