import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import type { Container } from '@/api/types'
import { useUptimeDays } from '@/features/dashboard/uptime'
import { onLive } from '@/live/live'
import { listContainers } from './api'
import { groupName, patchHealth, patchState } from './patch'
import { listProblems } from './problems'

const byName = new Intl.Collator(undefined, { numeric: true })

/** Every live container, kept current by events. Archived ones are loaded by the page that shows them. */
export const useContainers = defineStore('containers', () => {
  const byId = shallowReactive(new Map<number, Container>())
  const groupOf = shallowReactive(new Map<number, string>())
  const archivedCount = ref(0)
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const { days: uptimeDays, to: uptimeTo, load: loadUptime } = useUptimeDays('container')
  let loading: Promise<void> | null = null
  let isStale = false
  const unlisted = new Set<number>()

  const all = computed(() => [...byId.values()].sort((a, b) => byName.compare(a.name, b.name) || a.id - b.id))
  const problems = computed(() => listProblems(byId.values()))

  /** Calls while a load is under way share it, and ask for one more when it is done: it may have read too early. */
  function load(): Promise<void> {
    if (loading) {
      isStale = true
      return loading
    }
    isStale = false
    loading = read().finally(() => {
      loading = null
      if (isStale) void load()
    })
    return loading
  }

  /** Reads the list for the sake of one container. One that is not in it (an ignored one) is not asked for again. */
  async function loadFor(id: number) {
    await load()
    if (!byId.has(id)) unlisted.add(id)
  }

  async function read() {
    try {
      const list = await listContainers()
      const present = new Set(list.containers.map((container) => container.id))
      for (const id of byId.keys()) if (!present.has(id)) forget(id)
      for (const container of list.containers) put(container, list.groupOf.get(container.id))
      archivedCount.value = list.archivedCount
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  function put(container: Container, group?: string) {
    byId.set(container.id, container)
    groupOf.set(container.id, group ?? groupName(container))
  }

  function forget(id: number) {
    byId.delete(id)
    groupOf.delete(id)
  }

  onLive('sync.required', () => void load())
  onLive('runtime.status', () => void load())

  onLive('container.state_changed', (event) => {
    const known = byId.get(event.container_id)
    if (known) byId.set(known.id, patchState(known, event))
    else if (!unlisted.has(event.container_id)) void loadFor(event.container_id)
  })
  onLive('container.health_changed', (event) => {
    const known = byId.get(event.container_id)
    if (known) byId.set(known.id, patchHealth(known, event))
  })
  onLive('container.discovered', upsert)
  onLive('container.updated', upsert)

  function upsert(event: Container & { container_id: number }) {
    const container = { ...event, id: event.container_id }
    if (container.archived || container.is_ignored) forget(container.id)
    else put(container)
    unlisted.delete(container.id)
  }

  onLive('container.archived', (event) => {
    const wasLive = byId.has(event.container_id)
    forget(event.container_id)
    archivedCount.value = Math.max(0, archivedCount.value + (event.deleted ? (wasLive ? 0 : -1) : 1))
  })
  onLive('container.restart_alert', (event) => markLoop(event.container_id, true))
  onLive('container.restart_recovery', (event) => markLoop(event.container_id, false))

  function markLoop(id: number, restart_loop: boolean) {
    const known = byId.get(id)
    if (known) byId.set(id, { ...known, restart_loop })
  }

  return { byId, groupOf, all, problems, archivedCount, loaded, error, uptimeDays, uptimeTo, load, loadUptime, forget }
})
