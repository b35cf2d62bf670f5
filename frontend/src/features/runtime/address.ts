import { watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useHosts } from './hosts'

declare module 'vue-router' {
  interface RouteMeta {
    /** Shows one host when one is chosen; the address then says `?host=`. */
    byHost?: boolean
  }
}

/** Keeps the chosen host and `?host=` the same. A link brings its host along; a page opened without one gets ours. */
export function useHostInAddress(): void {
  const route = useRoute()
  const router = useRouter()
  const hosts = useHosts()

  watch(
    () => (route.meta.byHost ? route.query.host : undefined),
    (host) => typeof host === 'string' && hosts.choose(host || null),
    { immediate: true },
  )
  watch(
    [() => route.fullPath, () => hosts.chosen],
    () => {
      const { meta, query, hash } = route
      if (!meta.byHost || (query.host ?? null) === hosts.chosen) return
      void router.replace({ query: { ...query, host: hosts.chosen ?? undefined }, hash })
    },
    { immediate: true, flush: 'post' },
  )
}
