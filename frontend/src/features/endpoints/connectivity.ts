import { computed, shallowReactive } from 'vue'
import { request } from '@/api/client'
import type { JournalPage } from '@/api/types'
import { onLive } from '@/live/live'
import type { Scope } from './types'

const LOST = 'self_health.connectivity_lost'
const RECOVERED = 'self_health.connectivity_recovered'
const LOOKED_AT = 20

export interface Loss {
  scope: Scope
  since: string
}

/** What Tocsin itself cannot reach at the moment: meanwhile nobody is judged. The journal knows how it began. */
export function useConnectivity() {
  const lost = shallowReactive(new Map<Scope, Loss>())

  function begin(scope: Scope, since: string) {
    lost.set(scope, { scope, since })
  }

  async function load() {
    try {
      const query = { types: `${LOST},${RECOVERED}`, limit: LOOKED_AT }
      const { events } = await request<JournalPage>('GET', '/events', { query })
      lost.clear()
      // Newest first: replayed in the order in which it happened.
      for (const { type, timestamp, data } of [...events].reverse()) {
        const scope = data.scope as Scope
        if (type === LOST) begin(scope, timestamp)
        else lost.delete(scope)
      }
    } catch {
      // Whoever shows this has an error state of its own.
    }
  }

  onLive(LOST, (event) => begin(event.scope, event.timestamp))
  onLive(RECOVERED, (event) => lost.delete(event.scope))
  onLive('sync.required', () => void load())
  void load()

  return { losses: computed(() => [...lost.values()]) }
}
