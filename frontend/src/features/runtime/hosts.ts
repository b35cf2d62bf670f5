import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { readForNow, saveForNow } from '@/lib/storage'
import { useRuntime } from './store'

const MEMORY = 'host'

/** The engines as hosts that one can look at alone. With a single engine there is nothing to choose. */
export const useHosts = defineStore('hosts', () => {
  const runtime = useRuntime()
  const wanted = ref(readForNow(MEMORY))

  const all = computed(() => runtime.status?.hosts ?? [])
  const several = computed(() => all.value.length > 1)
  /** The only host to show, null for all. Until the server has told what there is, what was wanted stands. */
  const chosen = computed(() => {
    if (!runtime.status) return wanted.value
    return several.value && all.value.some((host) => host.name === wanted.value) ? wanted.value : null
  })

  function choose(name: string | null) {
    wanted.value = name
    saveForNow(MEMORY, name)
  }

  function shows(item: { host: string }): boolean {
    return chosen.value === null || item.host === chosen.value
  }

  return { all, several, chosen, choose, shows }
})
