import { mount, type MountingOptions } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import type { Component } from 'vue'
import { createI18n } from 'vue-i18n'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { Container } from '@/api/types'
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
