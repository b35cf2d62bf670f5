import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { LEVELS, type Level } from './logbuffer'

/** What the server is asked to leave out; kept in the address, so that a link shows the same. */
export interface LogFilter {
  regex: string
  exclude: string
  stream: '' | 'stdout' | 'stderr'
  levels: Level[]
  since: '' | '5m' | '1h' | '24h'
}

export const SINCE: Record<Exclude<LogFilter['since'], ''>, number> = { '5m': 300, '1h': 3600, '24h': 86_400 }

const text = (value: unknown) => (typeof value === 'string' ? value : '')

export function useLogFilter() {
  const route = useRoute()
  const router = useRouter()
  const filter = computed<LogFilter>(() => ({
    regex: text(route.query.regex),
    exclude: text(route.query.exclude),
    stream: route.query.stream === 'stdout' || route.query.stream === 'stderr' ? route.query.stream : '',
    levels: LEVELS.filter((level) => text(route.query.level).split(',').includes(level)),
    since: Object.keys(SINCE).includes(text(route.query.since)) ? (text(route.query.since) as LogFilter['since']) : '',
  }))
  const isSet = computed(() => Object.keys(asQuery(filter.value)).length > 0)

  function change(part: Partial<LogFilter>) {
    const { regex, exclude, stream, levels, since } = { ...filter.value, ...part }
    const query = { regex, exclude, stream, since, level: levels.join(',') }
    const kept = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value || undefined]))
    void router.replace({ query: { ...route.query, ...kept } })
  }

  return { filter, isSet, change }
}

/** The parameters of a request. `now` is milliseconds. */
export function asQuery(filter: LogFilter, now = Date.now()): Record<string, string> {
  const query: Record<string, string> = {}
  if (filter.regex) query.regex = filter.regex
  if (filter.exclude) query.exclude = filter.exclude
  if (filter.stream) query.stream = filter.stream
  if (filter.levels.length) query.level = filter.levels.join(',')
  if (filter.since) query.since = String(Math.floor(now / 1000) - SINCE[filter.since])
  return query
}
