import { computed } from 'vue'
import { useHosts } from '@/features/runtime/hosts'
import { useContainers } from './store'

/** The containers of the host that was chosen, or simply all. */
export function useShownContainers() {
  const containers = useContainers()
  const hosts = useHosts()
  const shown = computed(() => containers.all.filter(hosts.shows))
  const problems = computed(() => containers.problems.filter(({ container }) => hosts.shows(container)))
  return { shown, problems }
}
