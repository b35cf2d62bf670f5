import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Container } from '@/api/types'
import { dispatch } from '@/live/live'
import type { LiveEvent } from '@/live/types'
import { aContainer } from '@/testing/mount'
import { useContainers } from './store'

const AT = '2026-03-04T10:00:00.000Z'

function answer(pages: Container[][]) {
  const fetch = vi.fn(() => {
    const containers = pages.shift() ?? []
    const body = {
      groups: [{ name: 'shop', source: 'compose', containers }],
      total: 0,
      has_more: pages.length > 0,
      archived_count: 2,
    }
    return Promise.resolve(new Response(JSON.stringify(body)))
  })
  vi.stubGlobal('fetch', fetch)
  return fetch
}

const tell = (type: string, data: object) => dispatch({ type, data, journalId: 1 } as unknown as LiveEvent)

describe('the containers', () => {
  beforeEach(() => setActivePinia(createPinia()))

  it('reads all pages', async () => {
    answer([[aContainer({ id: 1 })], [aContainer({ id: 2 })]])
    const store = useContainers()
    await store.load()
    expect([...store.byId.keys()]).toEqual([1, 2])
    expect(store.groupOf.get(2)).toBe('shop')
    expect(store.archivedCount).toBe(2)
  })

  it('keeps what it has when the server is away', async () => {
    answer([[aContainer({ id: 1 })]])
    const store = useContainers()
    await store.load()
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')))
    await store.load()
    expect(store.byId.size).toBe(1)
    expect(store.error?.code).toBe('unreachable')
  })

  it('follows events', async () => {
    answer([[aContainer({ id: 1, name: 'api' })]])
    const store = useContainers()
    await store.load()
    const about = { container_id: 1, container_name: 'api', timestamp: AT }

    tell('container.state_changed', { ...about, state: 'exited', previous_state: 'running', health_status: null, exit_code: 1, error_detail: null, restarts: 0 })
    expect(store.problems.map(({ problem }) => problem.kind)).toEqual(['exited'])
    expect(store.byId.get(1)?.last_state_change_at).toBe(AT)

    tell('container.state_changed', { ...about, state: 'running', previous_state: 'exited', health_status: 'starting', exit_code: null, error_detail: null, restarts: 1 })
    tell('container.health_changed', { ...about, health_status: 'healthy', previous_health: 'starting' })
    expect(store.problems).toEqual([])
    expect(store.byId.get(1)).toMatchObject({ health_status: 'healthy', restart_count: 1 })

    tell('container.restart_alert', { ...about, restart_count: 3, threshold: 3 })
    expect(store.problems.map(({ problem }) => problem.kind)).toEqual(['restart_loop'])

    tell('container.discovered', { ...aContainer({ id: 2, orchestration_group: 'media' }), container_id: 2, timestamp: AT })
    expect(store.groupOf.get(2)).toBe('media')

    tell('container.archived', { ...about, archived_at: AT, deleted: false })
    expect([...store.byId.keys()]).toEqual([2])
    expect(store.archivedCount).toBe(3)
  })
})
